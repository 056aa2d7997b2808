#ifndef MEMDIAL_CMD_RUNS_H
#define MEMDIAL_CMD_RUNS_H

/* `memdial runs`: the runs that were kept. */
int cmd_runs(int argc, char **argv);

#endif
