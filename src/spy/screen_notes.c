#include "spy/screen_notes.h"

#include "policy/host_name.h"
#include "record/json_fields.h"
#include "spy/screen_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { RECORD_MAX = 64 * 1024, ADVICE_MAX = 1024 };

void screen_notes_init(struct screen_notes *notes, struct spy_store *store)
{
    *notes = (struct screen_notes){
        .store = store, .limit = SPY_STORE_NONE, .selected = SPY_STORE_NONE, .is_following = true};
    buffer_init(&notes->record, RECORD_MAX);
    buffer_init(&notes->advice, ADVICE_MAX);
}

void screen_notes_done(struct screen_notes *notes)
{
    buffer_done(&notes->record);
    buffer_done(&notes->advice);
}

static uint64_t first_of(const struct screen_notes *notes)
{
    return spy_store_first_note(notes->store);
}

size_t screen_notes_count(const struct screen_notes *notes)
{
    uint64_t end = spy_store_end_note(notes->store), first = first_of(notes);
    end = end < notes->limit ? end : notes->limit;
    return end > first ? (size_t)(end - first) : 0;
}

static void show(struct screen_notes *notes)
{
    screen_scroll_fit(&notes->scroll, screen_notes_count(notes), notes->scroll.height);
    if (notes->selected != SPY_STORE_NONE)
        screen_scroll_show(&notes->scroll, (size_t)(notes->selected - first_of(notes)));
}

static void select_row(struct screen_notes *notes, size_t row)
{
    notes->selected = first_of(notes) + row;
    show(notes);
}

void screen_notes_update(struct screen_notes *notes)
{
    size_t count = screen_notes_count(notes);
    uint64_t first = first_of(notes);
    if (count == 0)
        notes->selected = SPY_STORE_NONE;
    else if (notes->is_following || notes->selected == SPY_STORE_NONE)
        select_row(notes, count - 1);
    else if (notes->selected < first)
        select_row(notes, 0);
}

void screen_notes_move(struct screen_notes *notes, int64_t rows)
{
    size_t count = screen_notes_count(notes);
    if (count == 0 || notes->selected == SPY_STORE_NONE)
        return;
    int64_t row = (int64_t)(notes->selected - first_of(notes)) + rows;
    row = row < 0 ? 0 : row >= (int64_t)count ? (int64_t)count - 1 : row;
    notes->is_following = false;
    select_row(notes, (size_t)row);
}

void screen_notes_select_first(struct screen_notes *notes)
{
    screen_notes_move(notes, INT32_MIN);
}

void screen_notes_select_last(struct screen_notes *notes)
{
    screen_notes_move(notes, INT32_MAX);
}

bool screen_notes_next_denied(struct screen_notes *notes)
{
    size_t count = screen_notes_count(notes);
    uint64_t first = first_of(notes);
    for (size_t i = 1; i <= count && notes->selected != SPY_STORE_NONE; i++) {
        size_t row = ((size_t)(notes->selected - first) + i) % count;
        if (spy_store_note(notes->store, first + row)->kind == SPY_NOTE_DENIED) {
            notes->is_following = false;
            select_row(notes, row);
            return true;
        }
    }
    return false;
}

void screen_notes_click(struct screen_notes *notes, const struct screen_rectangle *place, int row)
{
    int line = row - place->row - 1;
    size_t index = notes->scroll.top + (size_t)(line < 0 ? 0 : line);
    if (line < 0 || index >= screen_notes_count(notes))
        return;
    notes->is_following = false;
    select_row(notes, index);
}

static json_t *load(struct screen_notes *notes, uint64_t position, struct buffer *text)
{
    struct error error;
    if (!spy_store_load_note(notes->store, position, text))
        return NULL;
    return json_fields_load(buffer_bytes(text), &error);
}

static struct bytes field(const json_t *record, const char *key)
{
    const json_t *value = json_object_get(record, key);
    return (struct bytes){(const uint8_t *)json_string_value(value), json_string_length(value)};
}

static void draw_column(struct screen_pen *pen, enum screen_style style, struct bytes text,
                        int columns)
{
    struct screen_pen part = *pen;
    part.start = pen->column;
    part.end = pen->column + columns < pen->end ? pen->column + columns : pen->end;
    screen_pen_text(&part, style, text);
    screen_pen_fill(&part, style);
    pen->column = part.column;
    screen_pen_format(pen, style, " ");
}

static void draw_record(struct screen_pen *pen, enum screen_style style, const json_t *record)
{
    draw_column(pen, style, field(record, "decision"), 5);
    draw_column(pen, style, field(record, "kind"), 7);
    screen_pen_text(pen, style, field(record, "name"));
    const json_t *port = json_object_get(record, "port");
    if (json_is_integer(port))
        screen_pen_format(pen, style, ":%" JSON_INTEGER_FORMAT, json_integer_value(port));
    const struct bytes method = field(record, "method"), reason = field(record, "reason");
    if (method.length) {
        screen_pen_format(pen, style, " ");
        screen_pen_text(pen, style, method);
        screen_pen_format(pen, style, " ");
        screen_pen_text(pen, style, field(record, "path"));
    }
    const json_t *status = json_object_get(record, "status");
    if (json_is_integer(status))
        screen_pen_format(pen, style, " %" JSON_INTEGER_FORMAT, json_integer_value(status));
    if (reason.length) {
        screen_pen_format(pen, style, "  ");
        screen_pen_text(pen, style, reason);
    }
}

static void draw_row(struct screen_notes *notes, struct screen_pen *pen, uint64_t position,
                     bool is_local)
{
    const struct spy_note note = *spy_store_note(notes->store, position);
    enum screen_style style = note.kind == SPY_NOTE_AUDIT    ? SCREEN_PLAIN
                              : note.kind == SPY_NOTE_DENIED ? SCREEN_ERROR
                                                             : SCREEN_WARNING;
    char text[SCREEN_FORMAT_SIZE];
    screen_pen_format(pen, style, "%s%s ", note.kind == SPY_NOTE_DENIED ? "!" : " ",
                      screen_format_time(note.time_ms, is_local, text));
    if (note.kind == SPY_NOTE_LOST) {
        screen_pen_format(pen, style, "%" PRIu64 " events were lost here", note.count);
        screen_pen_fill(pen, style);
        return;
    }
    struct buffer line;
    buffer_init(&line, RECORD_MAX);
    json_t *record = load(notes, position, &line);
    if (record)
        draw_record(pen, style, record);
    else
        screen_pen_text(pen, SCREEN_DIM, BYTES_LITERAL("this record is no longer kept"));
    screen_pen_fill(pen, style);
    json_decref(record);
    buffer_done(&line);
}

void screen_notes_draw(struct screen_notes *notes, struct screen_cells *cells,
                       const struct screen_rectangle *place, bool is_local)
{
    if (place->columns == 0)
        return;
    struct screen_pen pen = screen_pen_at(cells, place->column, place->row, place->columns);
    screen_pen_format(&pen, SCREEN_DIM, " time     what  kind    name");
    screen_scroll_fit(&notes->scroll, screen_notes_count(notes), place->rows - 1);
    if (notes->is_following)
        screen_scroll_to_end(&notes->scroll);
    for (int i = 0; i < place->rows - 1; i++) {
        size_t row = notes->scroll.top + (size_t)i;
        if (row >= notes->scroll.count)
            break;
        pen = screen_pen_at(cells, place->column, place->row + 1 + i, place->columns);
        draw_row(notes, &pen, first_of(notes) + row, is_local);
        if (first_of(notes) + row == notes->selected)
            screen_pen_restyle(&pen, SCREEN_SELECTED);
    }
}

/* Only a name in its canonical form is put into a command that a user may copy. */
static void add_advice(struct screen_notes *notes, struct screen_sections *sections,
                       const json_t *record)
{
    struct bytes kind = field(record, "kind");
    bool is_ssh = bytes_equal_text(kind, "ssh") || bytes_equal_text(kind, "connect");
    bool is_known = is_ssh || bytes_equal_text(kind, "dns") || bytes_equal_text(kind, "tls") ||
                    bytes_equal_text(kind, "http");
    struct host_name name;
    if (!is_known || !bytes_equal_text(field(record, "decision"), "deny") ||
        host_name_parse(field(record, "name"), &name) != HOST_NAME_FINE)
        return;
    buffer_clear(&notes->advice);
    if (!buffer_append_format(&notes->advice, "rootcell allow %s%s", is_ssh ? "--ssh " : "",
                              name.text))
        return;
    struct screen_section *section = screen_sections_add(sections, 3, 0, SCREEN_OPEN);
    screen_section_title(section, SCREEN_HEADING, "to allow it");
    screen_section_text(section, buffer_bytes(&notes->advice),
                        bytes_hash(buffer_bytes(&notes->advice)));
}

void screen_notes_make(struct screen_notes *notes, struct screen_pane *pane)
{
    struct screen_sections *sections = &pane->sections;
    screen_sections_begin(sections);
    buffer_clear(&notes->record);
    json_t *record = NULL;
    if (notes->selected != SPY_STORE_NONE) {
        struct screen_section *section = screen_sections_add(sections, 1, 0, SCREEN_OPEN);
        const struct spy_note note = *spy_store_note(notes->store, notes->selected);
        record = note.kind == SPY_NOTE_LOST ? NULL : load(notes, notes->selected, &notes->record);
        if (note.kind == SPY_NOTE_LOST) {
            screen_section_title(section, SCREEN_WARNING, "%" PRIu64 " events were lost",
                                 note.count);
            screen_section_note(section, "the viewer, or its connection, was too slow");
        } else {
            screen_section_title(section,
                                 note.kind == SPY_NOTE_DENIED ? SCREEN_ERROR : SCREEN_HEADING,
                                 note.kind == SPY_NOTE_DENIED ? "denied" : "audit record");
            section->form = SCREEN_FORM_JSON;
            screen_section_text(section, buffer_bytes(&notes->record),
                                bytes_hash(buffer_bytes(&notes->record)));
        }
    }
    if (record)
        add_advice(notes, sections, record);
    screen_sections_end(sections);
    screen_pane_refresh(pane);
    json_decref(record);
}
