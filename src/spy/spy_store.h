#ifndef SPY_SPY_STORE_H
#define SPY_SPY_STORE_H

#include "base/error.h"
#include "llm/llm_call.h"

/*
 * Theory of Operation
 *
 * All that a viewer has seen. The lines of events go to a file (spy_spill.h): one of the store's
 * own that is deleted at once, the recording that is written, or the recording that is read. In
 * memory stays one summary of fixed size for each call, and where its lines are; whoever wants to
 * see a call has it folded again from its lines (spy_store_load).
 *
 * A position names a call for good: calls are numbered from 0 in the order of their first event.
 * When there are SPY_STORE_CALLS_MAX, the oldest is forgotten for each new one, so positions from
 * spy_store_first to before spy_store_end are valid. Numbers of calls in events begin anew when
 * the firewall's recorder does, and say nothing here.
 *
 * Notes are what is no part of a call: records of the audit log, and gaps. They have positions of
 * their own.
 *
 * Everything in events is hostile, and so are the texts of summaries: whoever shows one filters it.
 */

enum {
    SPY_STORE_CALLS_MAX = 100000,
    SPY_STORE_NOTES_MAX = 50000,
    SPY_NOTE_BYTES_MAX = 8 * 1024 * 1024,   /* of the JSON of a note */
    SPY_STORE_LOAD_MAX = 256 * 1024 * 1024, /* bytes of lines that one call is folded from */
};

enum { SPY_SECTION_COUNT = LLM_SECTION_MESSAGES + 1 };

/** No position. */
#define SPY_STORE_NONE UINT64_MAX

/** Where the lines of a call are: a run of them, and the one before it. */
struct spy_extent {
    uint64_t offset;
    uint64_t length;
    uint64_t previous; /* place in the chain, SPY_STORE_NONE for none */
};

/** A call in a few words. Texts are cut to their size between code points and end with NUL. */
struct spy_summary {
    uint64_t start_ms;     /* since 1970 */
    uint64_t number;       /* in events */
    uint64_t conversation; /* position of its first call */
    uint64_t parent;       /* position of the call that it goes on from, or SPY_STORE_NONE */
    uint64_t revision;     /* of the store when this last changed */
    struct spy_extent lines;
    int64_t input, cache_read, cache_write, output, reasoning; /* tokens, -1 not told */
    int64_t cost_nano;     /* US dollars times 10^9, an estimate; -1 unknown */
    int64_t first_byte_ms; /* -1 not told */
    int64_t duration_ms;   /* -1 not over */
    uint64_t request_bytes, response_bytes;
    uint32_t blocks[SPY_SECTION_COUNT];    /* of the request, by section */
    uint32_t as_before[SPY_SECTION_COUNT]; /* how many of them, from the first, were seen before */
    uint32_t response_blocks, tool_calls, tool_results, errors;
    uint16_t status; /* 0: no head of a response yet */
    uint8_t api;     /* enum llm_api */
    uint8_t transport;
    bool is_over, is_truncated;
    char provider[24], model[64], operation[20], session[48], host[48], stop[40];
    char error[48]; /* type of the first error */
};

enum spy_note_kind { SPY_NOTE_AUDIT, SPY_NOTE_DENIED, SPY_NOTE_LOST };

struct spy_note {
    uint64_t time_ms;
    uint64_t offset; /* of its line */
    uint64_t count;  /* SPY_NOTE_LOST: events that were dropped */
    uint64_t before; /* it came before this position of a call was taken */
    uint32_t length;
    enum spy_note_kind kind;
};

/** Sums over all calls, also of those that were forgotten. */
struct spy_totals {
    uint64_t calls, errors, denied, lost, bad_lines;
    uint64_t input, cache_read, cache_write, output, reasoning; /* tokens */
    uint64_t cost_nano;
    bool is_cost_partial; /* there are calls without a known price */
};

/** What an added line was. */
struct spy_added {
    const struct llm_event *event; /* borrowed for the call of spy_store_observer */
    uint64_t position;             /* of its call, or of the note when `event->call` is 0 */
    bool is_first;                 /* the first event of this call */
    bool is_as_before;             /* a block of a request that stands in a prefix seen before */
};

/** Told of every event when it has been added: for views that show events as they come. */
typedef void spy_store_observer(void *context, const struct spy_added *added);

struct spy_store;

/** A store whose lines go to a file that is deleted at once, below TMPDIR or /var/tmp. */
struct spy_store *spy_store_new(struct error *error);
/** The lines go to the end of this file, which is empty: a recording. The store owns `fd`. */
struct spy_store *spy_store_new_recording(int fd, struct error *error);
/** The lines stand in this file already (spy_store_add_at). The store owns `fd`. */
struct spy_store *spy_store_new_replay(int fd, struct error *error);
void spy_store_free(struct spy_store *store);

/**
 * Prices (llm_price.h) that come before those that the program knows. `shown` is the file's name in
 * errors. Before the first line is added.
 */
bool spy_store_add_prices(struct spy_store *store, const char *shown, struct bytes text,
                          struct error *error);

void spy_store_observe(struct spy_store *store, spy_store_observer *observer, void *context);

/**
 * Add a line, without its line feed. A line that is no event is counted and otherwise ignored.
 * False when it could not be kept (the disk is full): what is known stays.
 */
bool spy_store_add(struct spy_store *store, struct bytes line, struct error *error);
/** The same for a replay, where the line stands at `offset` of the file. */
bool spy_store_add_at(struct spy_store *store, struct bytes line, uint64_t offset,
                      struct error *error);
/** Count a line that was too long to be read. */
void spy_store_skip(struct spy_store *store);

/** Rises with every change: a view that has seen this revision is up to date. */
uint64_t spy_store_revision(const struct spy_store *store);
const struct spy_totals *spy_store_totals(const struct spy_store *store);

/** Positions of calls that are known: first <= position < end. */
uint64_t spy_store_first(const struct spy_store *store);
uint64_t spy_store_end(const struct spy_store *store);
/** Borrowed until the next change of the store. CHECK: the position is valid. */
const struct spy_summary *spy_store_summary(const struct spy_store *store, uint64_t position);

uint64_t spy_store_first_note(const struct spy_store *store);
uint64_t spy_store_end_note(const struct spy_store *store);
const struct spy_note *spy_store_note(const struct spy_store *store, uint64_t position);
/** Append the JSON of the audit record. False when its line is no longer kept. */
bool spy_store_load_note(struct spy_store *store, uint64_t position, struct buffer *out);

/**
 * The call, folded from its lines as far as they are there; owned by the caller (llm_call_free).
 * NULL when its lines are no longer kept.
 */
struct llm_call *spy_store_load(struct spy_store *store, uint64_t position, struct error *error);

/** Give the events of a call in their order, as the observer got them. False as above. */
bool spy_store_replay(struct spy_store *store, uint64_t position, llm_event_fn *give, void *context,
                      struct error *error);

#endif
