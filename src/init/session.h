#ifndef INIT_SESSION_H
#define INIT_SESSION_H

/**
 * What a session of `rootcell` begins with in the agent VM, as the user whose session it is.
 *
 * `rootcell-init session --token TOKEN --time MILLISECONDS [-- PROGRAM ARGUMENT...]`: set the clock
 * when it is off, then become a login shell, or run the program and end with its status (128 + N
 * when signal N ended it, 127 when there is no such program, 126 when it cannot be executed).
 * Signals that come go to the program, an interrupt or quit to its whole process group. When
 * nobody is left to read what it writes, it gets a hang-up.
 */
int session_run(int count, char *const *arguments);

/** `rootcell-init session-signal TOKEN NAME`: send a signal (INT, TERM...) to that session. */
int session_signal_run(int count, char *const *arguments);

#endif
