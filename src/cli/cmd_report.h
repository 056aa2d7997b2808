/*
 * `memdial report`: runs that were kept, as a page, pictures or tables.
 */
#ifndef MEMDIAL_CMD_REPORT_H
#define MEMDIAL_CMD_REPORT_H

int cmd_report(int argc, char **argv);

#endif
