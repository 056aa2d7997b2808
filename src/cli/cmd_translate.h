#ifndef MEMDIAL_CMD_TRANSLATE_H
#define MEMDIAL_CMD_TRANSLATE_H

/* `memdial translate`: standard input's lines in another language. */
int cmd_translate(int argc, char **argv);

#endif
