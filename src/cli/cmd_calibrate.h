/*
 * `memdial calibrate`: measures this machine, so that plans tell seconds.
 */
#ifndef MEMDIAL_CMD_CALIBRATE_H
#define MEMDIAL_CMD_CALIBRATE_H

int cmd_calibrate(int argc, char **argv);

#endif
