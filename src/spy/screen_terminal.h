#ifndef SPY_SCREEN_TERMINAL_H
#define SPY_SCREEN_TERMINAL_H

#include "base/error.h"
#include "spy/screen_cells.h"

/*
 * The user's terminal, drawn with ncurses. There is at most one in a process: it also takes over
 * the signals that end it, so that the terminal is left as it was found however that happens.
 */

/** What came over the descriptor of signals. */
enum screen_signal { SCREEN_SIGNAL_NONE, SCREEN_SIGNAL_END, SCREEN_SIGNAL_RESIZE };

/** Open /dev/tty and take it over. */
bool screen_terminal_open(struct error *error);
/** Leave it as it was. Does nothing when it is not open. */
void screen_terminal_close(void);

/** To poll and read for keys. */
int screen_terminal_keys(void);
/** To poll for signals. */
int screen_terminal_signals(void);
/** The next of them, without waiting. */
enum screen_signal screen_terminal_next_signal(void);
/** The signal that asked to end: the process should end by it, once the terminal is closed. */
int screen_terminal_end_signal(void);

void screen_terminal_size(int *columns, int *rows);
/** Show the cells; only what changed is sent. The cursor is hidden unless it has a column. */
void screen_terminal_show(const struct screen_cells *cells, int cursor_column, int cursor_row);
/** All is sent again with the next show. */
void screen_terminal_redraw(void);

/** Most bytes that are copied: terminals take no more in one go. */
enum { SCREEN_TERMINAL_COPY_MAX = 512 * 1024 };
/** Put a text into the clipboard of the user's terminal (OSC 52). False when it is too long. */
bool screen_terminal_copy(struct bytes text);

#endif
