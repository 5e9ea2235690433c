#ifndef SPY_SPY_PRETTY_H
#define SPY_SPY_PRETTY_H

#include "spy/spy_paper.h"

/**
 * JSON that comes in pieces, laid out in lines: only spaces and line ends between its words
 * change. Within a text the lines break behind `\n`, which stays. What does not begin like an
 * object or an array is shown as it is.
 */
struct spy_pretty {
    enum { SPY_PRETTY_START, SPY_PRETTY_JSON, SPY_PRETTY_PLAIN } mode;
    unsigned depth;
    bool is_in_text, is_escape, is_opened;
};

void spy_pretty_start(struct spy_pretty *pretty);
void spy_pretty_add(struct spy_pretty *pretty, struct spy_paper *paper, struct bytes piece);

#endif
