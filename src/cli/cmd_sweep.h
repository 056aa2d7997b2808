/* `memdial sweep`: called with its name as argv[0]; returns the exit code. */
#ifndef MEMDIAL_CMD_SWEEP_H
#define MEMDIAL_CMD_SWEEP_H

int cmd_sweep(int argc, char **argv);

#endif
