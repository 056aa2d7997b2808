/*
 * The screens as a program: `memdial [PRESET]`.
 */
#ifndef MEMDIAL_APP_H
#define MEMDIAL_APP_H

/* Returns the exit code, like the commands. */
int app_run(int argc, char **argv);

#endif
