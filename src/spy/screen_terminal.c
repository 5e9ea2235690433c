#include "spy/screen_terminal.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/memory.h"

#define NCURSES_WIDECHAR 1
#include <ncurses.h>

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/*
 * Signals write a byte into a pipe, from which the loop reads. A crash leaves no loop: its handler
 * only writes what was prepared for it and sets the old modes, both allowed in a handler, and lets
 * the crash go on.
 */
static struct {
    bool is_open;
    int fd;         /* of the terminal; -1 */
    int pipe[2];    /* of signals */
    FILE *out, *in; /* over `fd`; owned */
    SCREEN *screen;
    struct termios modes; /* as found */
    char restore[256];    /* what puts the terminal back */
    size_t restore_length;
    struct screen_cells shown; /* what the terminal shows */
    bool is_redraw;
    volatile sig_atomic_t end_signal;
} terminal = {.fd = -1, .pipe = {-1, -1}};

/* Mouse: buttons, motion while one is pressed, and coordinates past 223. */
static const char mouse_on[] = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
static const char mouse_off[] = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";

static const int end_signals[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

static void write_all(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(terminal.fd, text, length);
        if (written < 0 && errno != EINTR)
            return;
        text += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
}

static void on_signal(int number)
{
    int saved = errno;
    uint8_t byte =
        number == SIGWINCH || number == SIGCONT ? SCREEN_SIGNAL_RESIZE : SCREEN_SIGNAL_END;
    if (byte == SCREEN_SIGNAL_END)
        terminal.end_signal = number;
    (void)!write(terminal.pipe[1], &byte, 1);
    errno = saved;
}

static void on_crash(int number)
{
    write_all(terminal.restore, terminal.restore_length);
    tcsetattr(terminal.fd, TCSANOW, &terminal.modes);
    signal(number, SIG_DFL);
    raise(number);
}

static void take_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(end_signals) / sizeof(end_signals[0]); i++)
        sigaction(end_signals[i], &action, NULL);
    sigaction(SIGWINCH, &action, NULL);
    sigaction(SIGCONT, &action, NULL);
    action.sa_handler = on_crash;
    action.sa_flags = (int)SA_RESETHAND;
    for (size_t i = 0; i < sizeof(crash_signals) / sizeof(crash_signals[0]); i++)
        sigaction(crash_signals[i], &action, NULL);
    signal(SIGTSTP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

static void give_signals_back(void)
{
    for (size_t i = 0; i < sizeof(end_signals) / sizeof(end_signals[0]); i++)
        signal(end_signals[i], SIG_DFL);
    for (size_t i = 0; i < sizeof(crash_signals) / sizeof(crash_signals[0]); i++)
        signal(crash_signals[i], SIG_DFL);
    signal(SIGWINCH, SIG_DFL);
    signal(SIGCONT, SIG_DFL);
}

static void add_restore(const char *text)
{
    size_t length = text && text != (char *)-1 ? strlen(text) : 0;
    if (length <= sizeof(terminal.restore) - terminal.restore_length) {
        memcpy(terminal.restore + terminal.restore_length, text, length);
        terminal.restore_length += length;
    }
}

static void prepare_restore(void)
{
    char rmcup[] = "rmcup", cnorm[] = "cnorm", sgr0[] = "sgr0", rmkx[] = "rmkx";
    terminal.restore_length = 0;
    add_restore(mouse_off);
    add_restore(tigetstr(sgr0));
    add_restore(tigetstr(cnorm));
    add_restore(tigetstr(rmkx));
    add_restore(tigetstr(rmcup));
}

/* A user whose locale is not installed here has a terminal of UTF-8 all the same. */
static void set_locale(void)
{
    const char *wanted = getenv("LC_ALL");
    if (wanted == NULL || *wanted == '\0')
        wanted = getenv("LC_CTYPE");
    if (wanted == NULL || *wanted == '\0')
        wanted = getenv("LANG");
    bool is_utf8 = wanted && (strstr(wanted, "UTF-8") || strstr(wanted, "utf8"));
    if (setlocale(LC_CTYPE, "") == NULL && is_utf8 && setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        setlocale(LC_CTYPE, "C");
}

static const struct {
    short foreground; /* -1: the terminal's own */
    attr_t attributes;
    attr_t without_colours;
} styles[SCREEN_STYLE_COUNT] = {
    [SCREEN_PLAIN] = {-1, A_NORMAL, A_NORMAL},
    [SCREEN_BOLD] = {-1, A_BOLD, A_BOLD},
    [SCREEN_DIM] = {-1, A_DIM, A_DIM},
    [SCREEN_BAR] = {-1, A_REVERSE, A_REVERSE},
    [SCREEN_BAR_BOLD] = {-1, A_REVERSE | A_BOLD, A_REVERSE | A_BOLD},
    [SCREEN_SELECTED] = {-1, A_REVERSE, A_REVERSE},
    [SCREEN_HEADING] = {COLOR_CYAN, A_BOLD, A_BOLD},
    [SCREEN_CURSOR] = {COLOR_CYAN, A_REVERSE | A_BOLD, A_REVERSE | A_BOLD},
    [SCREEN_ERROR] = {COLOR_RED, A_BOLD, A_BOLD},
    [SCREEN_WARNING] = {COLOR_YELLOW, A_NORMAL, A_BOLD},
    [SCREEN_LIVE] = {COLOR_GREEN, A_BOLD, A_BOLD},
    [SCREEN_THINKING] = {COLOR_MAGENTA, A_NORMAL, A_DIM},
    [SCREEN_TOOL] = {COLOR_BLUE, A_BOLD, A_BOLD},
    [SCREEN_ADDED] = {COLOR_GREEN, A_NORMAL, A_NORMAL},
    [SCREEN_REMOVED] = {COLOR_RED, A_NORMAL, A_DIM},
    [SCREEN_FOUND] = {COLOR_YELLOW, A_REVERSE, A_REVERSE},
    [SCREEN_ESCAPED] = {COLOR_RED, A_REVERSE, A_REVERSE},
};

static bool has_colours_now;

static void set_colours(void)
{
    const char *none = getenv("NO_COLOR");
    has_colours_now = has_colors() && (none == NULL || *none == '\0') && start_color() == OK &&
                      use_default_colors() == OK;
    for (short i = 0; has_colours_now && i < SCREEN_STYLE_COUNT; i++)
        init_pair((short)(i + 1), styles[i].foreground, -1);
}

static bool open_descriptors(struct error *error)
{
    terminal.fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal.fd < 0)
        return error_set_errno(error, errno, "/dev/tty");
    if (tcgetattr(terminal.fd, &terminal.modes) != 0)
        return error_set_errno(error, errno, "/dev/tty");
    if (pipe(terminal.pipe) != 0)
        return error_set_errno(error, errno, "pipe");
    for (int i = 0; i < 2; i++) {
        fcntl(terminal.pipe[i], F_SETFD, FD_CLOEXEC);
        fcntl(terminal.pipe[i], F_SETFL, O_NONBLOCK);
    }
    int in = dup(terminal.fd), out = dup(terminal.fd);
    terminal.in = in >= 0 ? fdopen(in, "r") : NULL;
    terminal.out = out >= 0 ? fdopen(out, "w") : NULL;
    if (terminal.in == NULL || terminal.out == NULL)
        return error_set_errno(error, errno, "/dev/tty");
    return true;
}

static void close_descriptors(void)
{
    if (terminal.in)
        fclose(terminal.in);
    if (terminal.out)
        fclose(terminal.out);
    for (int i = 0; i < 2; i++) {
        if (terminal.pipe[i] >= 0)
            close(terminal.pipe[i]);
        terminal.pipe[i] = -1;
    }
    if (terminal.fd >= 0)
        close(terminal.fd);
    terminal.in = terminal.out = NULL;
    terminal.fd = -1;
}

bool screen_terminal_open(struct error *error)
{
    CHECK(!terminal.is_open);
    set_locale();
    if (!open_descriptors(error)) {
        close_descriptors();
        return false;
    }
    terminal.screen = newterm(NULL, terminal.out, terminal.in);
    if (terminal.screen == NULL) {
        const char *kind = getenv("TERM");
        close_descriptors();
        return error_set(error, "TERM=%.40s: the terminal is not known, or cannot move its cursor",
                         kind ? kind : "");
    }
    terminal.is_open = true;
    prepare_restore();
    take_signals();
    raw();
    noecho();
    nonl();
    idlok(stdscr, FALSE);
    leaveok(stdscr, FALSE);
    scrollok(stdscr, FALSE);
    curs_set(0);
    set_colours();
    char smkx[] = "smkx";
    const char *keys = tigetstr(smkx);
    if (keys && keys != (char *)-1)
        write_all(keys, strlen(keys));
    write_all(mouse_on, sizeof(mouse_on) - 1);
    terminal.is_redraw = true;
    return true;
}

void screen_terminal_close(void)
{
    if (!terminal.is_open)
        return;
    terminal.is_open = false;
    endwin();
    write_all(terminal.restore, terminal.restore_length);
    tcsetattr(terminal.fd, TCSADRAIN, &terminal.modes);
    give_signals_back();
    delscreen(terminal.screen);
    screen_cells_done(&terminal.shown);
    close_descriptors();
}

int screen_terminal_keys(void)
{
    return terminal.fd;
}

int screen_terminal_signals(void)
{
    return terminal.pipe[0];
}

enum screen_signal screen_terminal_next_signal(void)
{
    uint8_t byte = 0;
    if (read(terminal.pipe[0], &byte, 1) != 1)
        return SCREEN_SIGNAL_NONE;
    return byte == SCREEN_SIGNAL_RESIZE ? SCREEN_SIGNAL_RESIZE : SCREEN_SIGNAL_END;
}

int screen_terminal_end_signal(void)
{
    return terminal.end_signal;
}

void screen_terminal_size(int *columns, int *rows)
{
    struct winsize size;
    *columns = COLS;
    *rows = LINES;
    if (ioctl(terminal.fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        *columns = size.ws_col;
        *rows = size.ws_row;
    }
    if (*columns != COLS || *rows != LINES) {
        resizeterm(*rows, *columns);
        terminal.is_redraw = true;
    }
}

void screen_terminal_redraw(void)
{
    terminal.is_redraw = true;
}

static void draw_cell(const struct screen_cell *cell, int column, int row)
{
    wchar_t text[4] = {0};
    for (size_t i = 0; i < 3 && cell->code_points[i]; i++)
        text[i] = (wchar_t)cell->code_points[i];
    attr_t attributes =
        has_colours_now ? styles[cell->style].attributes : styles[cell->style].without_colours;
    cchar_t drawn;
    if (setcchar(&drawn, text, attributes, has_colours_now ? (short)(cell->style + 1) : 0, NULL) ==
        OK)
        (void)mvadd_wch(row, column, &drawn);
}

static bool is_same_cell(const struct screen_cell *a, const struct screen_cell *b)
{
    return a->style == b->style && a->code_points[0] == b->code_points[0] &&
           a->code_points[1] == b->code_points[1] && a->code_points[2] == b->code_points[2];
}

/* A wide glyph and its right half are drawn, and compared, together. */
static void draw_row(const struct screen_cells *cells, int row, bool is_all)
{
    for (int column = 0; column < cells->columns; column++) {
        const struct screen_cell *cell = screen_cells_at(cells, column, row);
        bool is_changed =
            is_all || !is_same_cell(cell, screen_cells_at(&terminal.shown, column, row));
        if (column + 1 < cells->columns && !is_changed)
            is_changed = screen_cells_at(cells, column + 1, row)->code_points[0] !=
                             screen_cells_at(&terminal.shown, column + 1, row)->code_points[0] &&
                         (screen_cells_at(cells, column + 1, row)->code_points[0] == 0 ||
                          screen_cells_at(&terminal.shown, column + 1, row)->code_points[0] == 0);
        if (is_changed && cell->code_points[0])
            draw_cell(cell, column, row);
    }
}

void screen_terminal_show(const struct screen_cells *cells, int cursor_column, int cursor_row)
{
    bool is_all = terminal.is_redraw || terminal.shown.columns != cells->columns ||
                  terminal.shown.rows != cells->rows;
    if (is_all) {
        screen_cells_done(&terminal.shown);
        screen_cells_init(&terminal.shown, cells->columns, cells->rows);
        erase();
        if (terminal.is_redraw)
            clearok(stdscr, TRUE);
        terminal.is_redraw = false;
    }
    for (int row = 0; row < cells->rows; row++)
        draw_row(cells, row, is_all);
    memcpy(terminal.shown.cells, cells->cells,
           (size_t)cells->columns * (size_t)cells->rows * sizeof(*cells->cells));
    curs_set(cursor_column >= 0);
    move(cursor_column >= 0 ? cursor_row : 0, cursor_column >= 0 ? cursor_column : 0);
    refresh();
}

bool screen_terminal_copy(struct bytes text)
{
    struct buffer out;
    if (text.length > SCREEN_TERMINAL_COPY_MAX)
        return false;
    buffer_init(&out, base64_encoded_length(text.length) + 16);
    CHECK(buffer_append_text(&out, "\x1b]52;c;") && base64_encode(&out, text, BASE64_STANDARD) &&
          buffer_append_text(&out, "\x07"));
    struct bytes sequence = buffer_bytes(&out);
    write_all((const char *)sequence.data, sequence.length);
    buffer_done(&out);
    return true;
}
