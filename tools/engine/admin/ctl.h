/* SPDX-License-Identifier: Apache-2.0 */
/* The command line's end of the admin server. */
#ifndef ENGINE_ADMIN_CTL_H
#define ENGINE_ADMIN_CTL_H

/* `PROGRAM ctl ADDRESS status|metrics|reload|active|drain|stop|standby|spare|... [WORKER]`; argv
 * begins at ADDRESS. Returns the exit code: 0 done, 1 refused or not reached, 2 usage. */
int ctl_main(int argc, char **argv, const char *program);

#endif
