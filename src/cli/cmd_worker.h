#ifndef MEMDIAL_CMD_WORKER_H
#define MEMDIAL_CMD_WORKER_H

int cmd_worker(int argc, char **argv);

#endif
