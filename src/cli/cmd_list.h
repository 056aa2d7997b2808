/* The sub-commands that list presets, settings or backends. Each prints a table
 * for people, or with --json an array of objects. argv[0] is the sub-command's
 * name; the result is the exit code. */
#ifndef MEMDIAL_CMD_LIST_H
#define MEMDIAL_CMD_LIST_H

int cmd_presets(int argc, char **argv);
int cmd_settings(int argc, char **argv);
int cmd_backends(int argc, char **argv);

#endif
