#ifndef MEMDIAL_CMD_PLAN_H
#define MEMDIAL_CMD_PLAN_H

/* `memdial plan`: argv[0] is "plan"; returns the exit code. */
int cmd_plan(int argc, char **argv);

#endif
