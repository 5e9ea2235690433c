#ifndef SPY_SCREEN_SECTION_H
#define SPY_SCREEN_SECTION_H

#include "base/buffer.h"
#include "spy/screen_cells.h"
#include "spy/screen_search.h"
#include "spy/screen_wrap.h"

/*
 * Theory of Operation
 *
 * What stands in the detail is a list of sections: a title, perhaps a text, and how deep it stands;
 * those below a section up to the next that is not deeper are its children. Whoever shows something
 * makes the list anew (begin, add..., end) whenever it has changed; a section that was there before
 * under the same key keeps whether it is open, and where its lines begin as far as its text is the
 * same. Only texts that are open are wrapped.
 */
enum screen_fold {
    SCREEN_FOLDED,
    SCREEN_PREVIEW, /* the first lines of the text */
    SCREEN_OPEN
};

/** How a text is made readable. */
enum screen_form {
    SCREEN_FORM_TEXT,    /* as it is */
    SCREEN_FORM_JSON,    /* members on lines of their own, where it is JSON */
    SCREEN_FORM_HEADERS, /* JSON [["name","value"]...]: one a line */
    SCREEN_FORM_DIFF,    /* lines begin with `+`, `-` or a space */
    SCREEN_FORM_HEX
};

enum {
    SCREEN_SECTION_TITLE = 96,
    SCREEN_SECTION_NOTE = 192,
    SCREEN_SECTION_PREVIEW = 12,         /* lines */
    SCREEN_SECTION_PREVIEW_BYTES = 8192, /* of the text, at most, that are wrapped for them */
    SCREEN_SECTION_STICKY = 64, /* keys below: the fold outlives what is shown (see _forget) */
    SCREEN_SECTION_INDENT = 2
};

struct screen_section {
    uint64_t key; /* unique in the list */
    int depth;
    enum screen_style title_style, style; /* of title and text */
    char title[SCREEN_SECTION_TITLE];     /* remote parts are filtered when drawn */
    size_t title_length;
    char note[SCREEN_SECTION_NOTE]; /* after the title, dim */
    size_t note_length;
    struct bytes text; /* borrowed: what is copied and saved */
    uint64_t stamp;    /* texts of one key with the same stamp and length are the same */
    bool is_growing;   /* the text only gets longer */
    enum screen_form form;
    enum screen_fold fold;

    /* kept by screen_sections */
    struct buffer readable; /* owned: of SCREEN_FORM_JSON, when it is JSON */
    bool is_readable_made;
    enum screen_fold first_fold;
    struct screen_wrap wrap;
    size_t first_line;          /* of the whole list, its title; set by screen_sections_measure */
    size_t text_lines;          /* that are shown */
    bool is_hidden;             /* below a folded section */
    struct screen_section *old; /* borrowed while the list is made: itself in the one before */
};

struct screen_sections {
    struct screen_section *items; /* owned */
    size_t count, allocated;
    size_t lines; /* in all, as measured */
    int columns;

    struct screen_section *old; /* owned: the list before, while the new one is made */
    size_t old_count, old_at;
    uint8_t sticky[SCREEN_SECTION_STICKY]; /* 0: as first, else fold + 1 */
};

void screen_sections_done(struct screen_sections *sections);
/** Something else is shown from now on: only sticky folds are kept. */
void screen_sections_forget(struct screen_sections *sections);

void screen_sections_begin(struct screen_sections *sections);
/**
 * Add a section, folded as `fold` unless it was there before. The result is borrowed until the next
 * is added: text, note and the like are set there.
 */
struct screen_section *screen_sections_add(struct screen_sections *sections, uint64_t key,
                                           int depth, enum screen_fold fold);
void screen_section_title(struct screen_section *section, enum screen_style style,
                          const char *format, ...) __attribute__((format(printf, 3, 4)));
void screen_section_title_add(struct screen_section *section, struct bytes remote);
void screen_section_note(struct screen_section *section, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void screen_section_note_add(struct screen_section *section, struct bytes remote);
/** Set the text; call it last, when form and is_growing are set. */
void screen_section_text(struct screen_section *section, struct bytes text, uint64_t stamp);
void screen_sections_end(struct screen_sections *sections);

/** Count the lines in so many columns. */
void screen_sections_measure(struct screen_sections *sections, int columns);

/** Index of the section that holds this line of the whole; its title is line 0 of it. */
size_t screen_sections_at(const struct screen_sections *sections, size_t line);

void screen_section_fold(struct screen_sections *sections, struct screen_section *section,
                         enum screen_fold fold);
void screen_sections_fold_all(struct screen_sections *sections, enum screen_fold fold);
/** Open all that hide this section. */
void screen_sections_reveal(struct screen_sections *sections, size_t index);

/** Make the readable form now, though the section is folded. */
void screen_section_make_readable(struct screen_section *section);
/** What is shown of a text: the readable form, where there is one. */
struct bytes screen_section_shown(const struct screen_section *section);

struct screen_section_view {
    bool is_cursor;                     /* keys act on this section */
    bool has_children;                  /* there is something below it */
    const struct screen_search *search; /* borrowed: what is found is marked */
};
/** Draw a line of a section; `line` 0 is the title. */
void screen_section_draw(const struct screen_section *section, size_t line, struct screen_pen *pen,
                         const struct screen_section_view *view);

#endif
