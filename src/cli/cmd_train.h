#ifndef MEMDIAL_CMD_TRAIN_H
#define MEMDIAL_CMD_TRAIN_H

/* `memdial train`: argv[0] is "train"; returns the exit code. */
int cmd_train(int argc, char **argv);

#endif
