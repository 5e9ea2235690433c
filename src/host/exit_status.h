#ifndef HOST_EXIT_STATUS_H
#define HOST_EXIT_STATUS_H

/**
 * How `rootcell` ends. A command that ran in the VM gives its own status instead (128 + N when
 * signal N ended it, 127 when there is no such program, 126 when it could not be executed).
 */
enum exit_status {
    EXIT_STATUS_OK = 0,
    EXIT_STATUS_FAILED = 1,   /* a command of ours did not do what was asked; one line says why */
    EXIT_STATUS_USAGE = 2,    /* the command line cannot be understood */
    EXIT_STATUS_NOT_RUN = 125 /* entering the VM or running a command there failed on our side */
};

#endif
