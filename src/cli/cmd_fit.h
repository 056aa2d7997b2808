/* `memdial fit`: called with its name as argv[0]; returns the exit code. */
#ifndef MEMDIAL_CMD_FIT_H
#define MEMDIAL_CMD_FIT_H

int cmd_fit(int argc, char **argv);

#endif
