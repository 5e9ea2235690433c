#ifndef SPY_SPY_OPTIONS_H
#define SPY_SPY_OPTIONS_H

#include "base/buffer.h"
#include "base/error.h"
#include "spy/spy_filter.h"

enum spy_mode { SPY_MODE_TEXT, SPY_MODE_JSON, SPY_MODE_SCREEN, SPY_MODE_EXPORT };

enum spy_export { SPY_EXPORT_HAR, SPY_EXPORT_JSONL, SPY_EXPORT_OTEL, SPY_EXPORT_HTML };
enum { SPY_EXPORT_COUNT = SPY_EXPORT_HTML + 1 };

enum spy_colour { SPY_COLOUR_AUTO, SPY_COLOUR_ALWAYS, SPY_COLOUR_NEVER };

/** The command line of rootcell-spy. Texts are borrowed from it. */
struct spy_options {
    enum spy_mode mode;
    const char *file;                      /* the recording that is shown, NULL: standard input */
    const char *exports[SPY_EXPORT_COUNT]; /* where each goes, "-": standard output; or NULL */
    const char *record;                    /* where the events are kept, or NULL */
    const char *session, *provider;        /* only those, or NULL */
    uint64_t since_ms;                     /* only calls from then on */
    struct spy_filter *filter;             /* owned, or NULL */
    const char *filter_text;               /* how it was spelled, or NULL */
    enum spy_colour colour;
    int width; /* columns, 0: as the terminal */
    bool is_raw, is_all, is_denied_hidden, has_tools, is_utc;
    bool is_backlog; /* end when nothing more comes for a while */
    bool is_help, is_version;
};

/** `now_ms` is what --since counts from. False with the reason; release with spy_options_done. */
bool spy_options_parse(char *const *arguments, uint64_t now_ms, struct spy_options *options,
                       struct error *error);
void spy_options_done(struct spy_options *options);

/** The text of --help. */
void spy_options_append_usage(struct buffer *out);

#endif
