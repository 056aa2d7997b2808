#ifndef MEMDIAL_CMD_VOCABULARY_H
#define MEMDIAL_CMD_VOCABULARY_H

/* `memdial vocabulary`: keeps the dictionaries of a set of sentences. */
int cmd_vocabulary(int argc, char **argv);

#endif
