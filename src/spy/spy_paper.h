#ifndef SPY_SPY_PAPER_H
#define SPY_SPY_PAPER_H

#include "base/bytes.h"
#include "spy/spy_output.h"

/*
 * Lines of text for a person: indented, coloured, wrapped between words to the width of a terminal,
 * and without anything that a terminal would obey but what stands here. Text may come in pieces: a
 * word whose end is not there yet is held.
 */

enum spy_style {
    SPY_STYLE_PLAIN,
    SPY_STYLE_HEAD,  /* the line that a call begins with */
    SPY_STYLE_NOTE,  /* what is said about the traffic */
    SPY_STYLE_ASKED, /* who speaks in a request */
    SPY_STYLE_SAID,  /* who speaks in a response */
    SPY_STYLE_THOUGHT,
    SPY_STYLE_TOOL,
    SPY_STYLE_ERROR,
    SPY_STYLE_COUNT
};

enum {
    SPY_PAPER_WORD_BYTES = 1024,
    /* Accents on one character; more of them, which no script needs, would cover other lines. */
    SPY_PAPER_JOINED_MAX = 8
};

struct spy_paper {
    spy_output_fn *write;
    void *context; /* borrowed */
    int width;     /* columns; 0: lines are as long as they are */
    bool has_colours;
    enum spy_style style;
    int indent;
    int column;      /* of what was written of this line; 0: nothing */
    bool is_wrapped; /* the line began for want of room: spaces that go on are not shown */
    int spaces;      /* that were not written yet: at the end of a wrapped line they never are */
    uint8_t word[SPY_PAPER_WORD_BYTES];
    size_t word_length;
    int word_columns;
    int joined; /* accents since the last character that takes room */
};

void spy_paper_init(struct spy_paper *paper, spy_output_fn *write, void *context);

/** From the next line on. Ends a line that has begun. */
void spy_paper_set(struct spy_paper *paper, enum spy_style style, int indent);

/** Remote text, or our own: line feeds end lines, the rest is filtered. */
void spy_paper_add(struct spy_paper *paper, struct bytes text);
void spy_paper_add_text(struct spy_paper *paper, const char *text);
void spy_paper_add_format(struct spy_paper *paper, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Write the held word. */
void spy_paper_flush(struct spy_paper *paper);
/** End the line if one has begun. */
void spy_paper_end_line(struct spy_paper *paper);

#endif
