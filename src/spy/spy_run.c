#include "spy/spy_run.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/printable.h"
#include "llm/llm_json.h"
#include "spy/screen.h"
#include "spy/spy_call_json.h"
#include "spy/spy_export.h"
#include "spy/spy_hash.h"
#include "spy/spy_source.h"
#include "spy/spy_text.h"
#include "system/file.h"
#include "system/reader_confinement.h"
#include "system/wall_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <assert.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 250, QUIET_MS = 1500, KEY_BYTES = 16 };

/* What is open, and what is done with it. */
struct run {
    const struct spy_options *options; /* borrowed */
    int input;                         /* borrowed, or owned where it is no standard input */
    bool is_file;                      /* a regular file: lines stay where they are */
    int record;                        /* owned until the store has it, -1 none */
    int exports[SPY_EXPORT_COUNT];     /* owned, -1 none */
    int out;
    struct spy_store *store;   /* owned */
    struct spy_source *source; /* owned */
    struct spy_output output;
    struct spy_text *text; /* owned, or NULL */
    struct spy_lines lines;
    bool is_keeping_broken;
    bool is_refused; /* the firewall said no */
    struct error refusal;
};

static volatile sig_atomic_t end_signal;
static int signal_pipe[2] = {-1, -1};

static void note_signal(int number)
{
    int before = errno;
    if (number != SIGWINCH)
        end_signal = number;
    (void)!write(signal_pipe[1], "", 1);
    errno = before;
}

static bool set_signals(struct error *error)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
    struct sigaction action = {.sa_handler = note_signal};
    if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return error_set_errno(error, errno, "a pipe for signals");
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaction(numbers[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    return true;
}

static bool open_input(struct run *run, struct error *error)
{
    const char *file = run->options->file;
    struct stat status;
    run->input = STDIN_FILENO;
    if (file)
        run->input = open(file, O_RDONLY | O_CLOEXEC);
    if (run->input < 0 || fstat(run->input, &status) != 0)
        return error_set_errno(error, errno, "%s", file ? file : "standard input");
    if (S_ISDIR(status.st_mode))
        return error_set(error, "%s: is a folder", file ? file : "standard input");
    run->is_file = S_ISREG(status.st_mode) && run->options->record == NULL &&
                   lseek(run->input, 0, SEEK_CUR) == 0;
    if (file == NULL && isatty(STDIN_FILENO))
        return error_set(error, "standard input is a terminal: name a recording, or see "
                                "`rootcell help spy`");
    return true;
}

static bool open_outputs(struct run *run, struct error *error)
{
    const struct spy_options *options = run->options;
    if (options->record) {
        run->record = open(options->record, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (run->record < 0)
            return error_set_errno(error, errno, "--record %s", options->record);
    }
    for (int i = 0; i < SPY_EXPORT_COUNT; i++) {
        const char *path = options->exports[i];
        if (path == NULL)
            continue;
        if (strcmp(path, "-") == 0)
            run->exports[i] = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        else
            run->exports[i] = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (run->exports[i] < 0)
            return error_set_errno(error, errno, "%s", path);
    }
    return true;
}

static bool open_store(struct run *run, struct error *error)
{
    if (run->record >= 0) {
        run->store = spy_store_new_recording(run->record, error);
        run->record = -1;
    } else if (run->is_file) {
        int copy = fcntl(run->input, F_DUPFD_CLOEXEC, 3);
        run->store = spy_store_new_replay(copy, error);
    } else {
        run->store = spy_store_new(error);
    }
    run->source = spy_source_new(run->input);
    return run->store != NULL;
}

static void choose_key(void)
{
    uint64_t key[2];
    static_assert(sizeof(key) == KEY_BYTES, "the key of SipHash");
    if (getentropy(key, sizeof(key)) == 0)
        spy_hash_set_key(key[0], key[1]);
}

static int terminal_width(const struct spy_options *options)
{
    struct winsize size;
    if (options->width > 0)
        return options->width;
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        return size.ws_col;
    return 0;
}

static bool has_colours(const struct spy_options *options)
{
    const char *refused = getenv("NO_COLOR"), *terminal = getenv("TERM");
    if (options->colour != SPY_COLOUR_AUTO)
        return options->colour == SPY_COLOUR_ALWAYS;
    return isatty(STDOUT_FILENO) && !(refused && *refused) && terminal &&
           strcmp(terminal, "dumb") != 0;
}

static struct spy_choice choice_of(const struct spy_options *options)
{
    return (struct spy_choice){
        .session = options->session,
        .provider = options->provider,
        .since_ms = options->since_ms,
        .filter = options->filter,
    };
}

static void open_view(struct run *run)
{
    const struct spy_options *options = run->options;
    struct spy_choice choice = choice_of(options);
    spy_output_init(&run->output, spy_output_to_descriptor, &run->out);
    run->lines = (struct spy_lines){run->store, &run->output, choice, options->is_denied_hidden};
    if (options->mode == SPY_MODE_JSON) {
        spy_store_observe(run->store, spy_lines_take, &run->lines);
    } else if (options->mode == SPY_MODE_TEXT) {
        struct spy_text_options text = {
            .width = terminal_width(options),
            .has_colours = has_colours(options),
            .is_utc = options->is_utc,
            .is_all = options->is_all,
            .is_raw = options->is_raw,
            .has_tools = options->has_tools,
            .is_denied_hidden = options->is_denied_hidden,
        };
        run->text = spy_text_new(run->store, &run->output, &text, &choice);
        spy_store_observe(run->store, spy_text_take, run->text);
    }
}

/* The firewall's word before the first event. */
static bool take_answer(struct run *run, struct bytes line)
{
    if (!bytes_start_with(line, BYTES_LITERAL("{\"ok\":")))
        return false;
    struct llm_json json;
    char shown[200];
    llm_json_parse(&json, line);
    struct llm_value answer = llm_json_root(&json);
    if (!llm_value_is_true(llm_value_get(answer, "ok"))) {
        printable_text(llm_value_get_text(answer, "error"), shown, sizeof(shown));
        run->is_refused = true;
        error_set(&run->refusal, "the firewall: %s", shown);
    }
    llm_json_done(&json);
    return true;
}

static void take_line(void *context, struct bytes line, uint64_t offset, bool is_too_long)
{
    struct run *run = context;
    struct error error;
    bool is_kept = true;
    if (is_too_long)
        spy_store_skip(run->store);
    else if (take_answer(run, line))
        return;
    else if (run->is_file)
        is_kept = spy_store_add_at(run->store, line, offset, &error);
    else
        is_kept = spy_store_add(run->store, line, &error);
    if (!is_kept && !run->is_keeping_broken) {
        run->is_keeping_broken = true;
        fprintf(stderr, "rootcell-spy: %s; what comes now is shown and not kept\n", error.text);
    }
}

static void tick(struct run *run)
{
    if (run->text)
        spy_text_tick(run->text, (uint64_t)wall_clock_now_ms());
}

/* Wait until there is something to read. False when the end has come. */
static bool wait_for_input(struct run *run)
{
    /* No event is asked of standard output: that nobody reads it any more is told anyway. */
    struct pollfd polled[] = {{.fd = run->input, .events = POLLIN},
                              {.fd = signal_pipe[0], .events = POLLIN},
                              {.fd = run->out}};
    bool is_until_quiet = run->options->is_backlog;
    int64_t start = wall_clock_monotonic_ms();
    while (end_signal == 0) {
        int ready = poll(polled, 3, TICK_MS);
        if (ready < 0 && errno != EINTR)
            return false;
        if (ready > 0 && (polled[2].revents & (POLLERR | POLLHUP)))
            return false;
        if (ready > 0 && polled[1].revents) {
            uint8_t drained[64];
            (void)!read(signal_pipe[0], drained, sizeof(drained));
            if (run->text)
                spy_text_set_width(run->text, terminal_width(run->options));
        }
        if (ready > 0 && polled[0].revents)
            return end_signal == 0;
        if (is_until_quiet && wall_clock_monotonic_ms() - start > QUIET_MS)
            return false;
        if (ready == 0)
            tick(run);
        spy_output_flush(&run->output);
    }
    return false;
}

static bool read_all(struct run *run, struct error *error)
{
    enum spy_source_state state = SPY_SOURCE_MORE;
    while (state == SPY_SOURCE_MORE && !run->output.is_broken && !run->is_refused &&
           wait_for_input(run)) {
        state = spy_source_read(run->source, take_line, run, error);
        spy_output_flush(&run->output);
    }
    if (run->is_refused)
        *error = run->refusal;
    return state != SPY_SOURCE_FAILED && !run->is_refused;
}

static bool write_exports(struct run *run, struct error *error)
{
    struct spy_choice choice = choice_of(run->options);
    for (int i = 0; i < SPY_EXPORT_COUNT; i++) {
        struct spy_output output;
        if (run->exports[i] < 0)
            continue;
        spy_output_init(&output, spy_output_to_descriptor, &run->exports[i]);
        spy_export_write((enum spy_export)i, run->store, &choice, &output);
        if (!spy_output_done(&output))
            return error_set(error, "%s: not all could be written", run->options->exports[i]);
    }
    return true;
}

static bool finish(struct run *run, struct error *error)
{
    if (run->options->mode == SPY_MODE_EXPORT)
        return write_exports(run, error);
    if (run->text)
        spy_text_finish(run->text);
    else
        spy_lines_finish(&run->lines);
    const struct spy_totals *totals = spy_store_totals(run->store);
    if (totals->bad_lines > 0)
        fprintf(stderr, "rootcell-spy: %llu lines were no events\n",
                (unsigned long long)totals->bad_lines);
    return true;
}

/* The choice of the options as one expression, which is shown and may be changed. NULL: all. */
static char *screen_filter(const struct spy_options *options)
{
    const char *filter = options->filter_text, *before = filter ? " " : "";
    CLEANUP_FREE char *session =
        options->session ? memory_format("%ssession=\"%s*\"", before, options->session) : NULL;
    before = filter || session ? " " : "";
    CLEANUP_FREE char *provider =
        options->provider ? memory_format("%sprovider=\"%s\"", before, options->provider) : NULL;
    if (filter == NULL && session == NULL && provider == NULL)
        return NULL;
    bool has_more = session || provider;
    return memory_format("%s%s%s%s%s", filter && has_more ? "(" : "", filter ? filter : "",
                         filter && has_more ? ")" : "", session ? session : "",
                         provider ? provider : "");
}

static enum spy_source_state read_for_screen(void *context, struct error *error)
{
    struct run *run = context;
    enum spy_source_state state = spy_source_read(run->source, take_line, run, error);
    if (!run->is_refused)
        return state;
    *error = run->refusal;
    return SPY_SOURCE_FAILED;
}

static bool show_screen(struct run *run, struct error *error)
{
    CLEANUP_FREE char *text = screen_filter(run->options);
    struct spy_filter *filter = text ? spy_filter_parse(bytes_from_text(text), error) : NULL;
    int ignored;
    if (text && filter == NULL)
        return false;
    struct screen_start start = {
        .store = run->store,
        .fd = run->input,
        .read = read_for_screen,
        .context = run,
        .filter = filter,
        .filter_text = text,
        .is_local = !run->options->is_utc,
        .is_recording = run->is_file,
    };
    return screen_run(&start, &ignored, error);
}

static bool show(struct run *run, struct error *error)
{
    if (run->options->mode == SPY_MODE_SCREEN)
        return show_screen(run, error);
    open_view(run);
    bool is_read = read_all(run, error);
    return finish(run, error) && is_read;
}

static void close_all(struct run *run)
{
    spy_output_done(&run->output);
    spy_text_free(run->text);
    spy_source_free(run->source);
    spy_store_free(run->store);
    file_close_cleanup(&run->record);
    for (int i = 0; i < SPY_EXPORT_COUNT; i++)
        file_close_cleanup(&run->exports[i]);
    if (run->options->file)
        file_close_cleanup(&run->input);
}

enum spy_status spy_run(const struct spy_options *options, struct error *error)
{
    struct run run = {.options = options, .input = -1, .record = -1, .out = STDOUT_FILENO};
    for (int i = 0; i < SPY_EXPORT_COUNT; i++)
        run.exports[i] = -1;
    choose_key();
    tzset(); /* opens the file of the time zone, while files can be opened */
    bool is_screen = options->mode == SPY_MODE_SCREEN;
    enum reader_files files = is_screen ? READER_FILES_KEPT : READER_FILES_NONE;
    bool is_good = (is_screen || set_signals(error)) && open_input(&run, error) &&
                   open_outputs(&run, error) && open_store(&run, error) &&
                   reader_confinement_enter(files, error) && show(&run, error);
    close_all(&run);
    if (is_good && run.is_keeping_broken)
        error_set(error, "not all was kept");
    return is_good && !run.is_keeping_broken ? SPY_STATUS_OK : SPY_STATUS_FAILED;
}
