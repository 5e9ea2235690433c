#ifndef SPY_SCREEN_MARKS_H
#define SPY_SCREEN_MARKS_H

#include <stdint.h>

/** Our own signs: as they are in Unicode, or what stands for them where only ASCII is drawn. */
struct screen_marks {
    uint32_t cut;         /* a text goes on that has no room */
    const char *folded;   /* a section whose text is hidden */
    const char *unfolded; /* ... shown */
    const char *splitter; /* between list and detail */
    const char *dots;     /* more to come */
    const char *result;   /* what came back from a tool */
    const char *about;    /* before an estimate */
    const char *dot;      /* between parts of a line */
    const char *line;     /* of a rule */
};

/** Those of the locale (LC_CTYPE). */
const struct screen_marks *screen_marks(void);

#endif
