#include "spy/screen_cells.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/printable.h"
#include "spy/screen_marks.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void screen_cells_init(struct screen_cells *cells, int columns, int rows)
{
    CHECK(columns > 0 && rows > 0);
    cells->columns = columns;
    cells->rows = rows;
    cells->cells = memory_new_array((size_t)columns * (size_t)rows, sizeof(*cells->cells));
    screen_cells_clear(cells);
}

void screen_cells_done(struct screen_cells *cells)
{
    free(cells->cells);
    *cells = (struct screen_cells){0};
}

void screen_cells_clear(struct screen_cells *cells)
{
    size_t count = (size_t)cells->columns * (size_t)cells->rows;
    for (size_t i = 0; i < count; i++)
        cells->cells[i] = (struct screen_cell){.code_points = {' '}};
}

static struct screen_cell *cell_at(const struct screen_cells *cells, int column, int row)
{
    CHECK(column >= 0 && column < cells->columns && row >= 0 && row < cells->rows);
    return &cells->cells[(size_t)row * (size_t)cells->columns + (size_t)column];
}

const struct screen_cell *screen_cells_at(const struct screen_cells *cells, int column, int row)
{
    return cell_at(cells, column, row);
}

static size_t encode(uint32_t code_point, char *out)
{
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    size_t length = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    out[0] = (char)(0xf00 >> length | code_point);
    return length;
}

const char *screen_cells_row(const struct screen_cells *cells, int row, char *text, size_t size)
{
    size_t length = 0;
    CHECK(size > 12 * (size_t)cells->columns);
    for (int column = 0; column < cells->columns; column++) {
        const struct screen_cell *cell = cell_at(cells, column, row);
        for (size_t i = 0; i < 3 && cell->code_points[i]; i++)
            length += encode(cell->code_points[i], text + length);
    }
    text[length] = '\0';
    return text;
}

struct screen_pen screen_pen_at(struct screen_cells *cells, int column, int row, int columns)
{
    struct screen_pen pen = {cells, row, column, column, column + columns, false};
    if (pen.end > cells->columns)
        pen.end = cells->columns;
    if (row < 0 || row >= cells->rows || column < 0 || pen.end < column)
        pen.start = pen.column = pen.end = 0;
    return pen;
}

int screen_pen_left(const struct screen_pen *pen)
{
    return pen->end - pen->column;
}

/* The last column says that something is missing. */
static void mark_cut(struct screen_pen *pen)
{
    if (pen->end > pen->start && !pen->is_full) {
        struct screen_cell *last = cell_at(pen->cells, pen->end - 1, pen->row);
        /* A wide glyph that is halved by the mark goes away whole. */
        if (last->code_points[0] == 0 && pen->end - 2 >= pen->start)
            cell_at(pen->cells, pen->end - 2, pen->row)->code_points[0] = ' ';
        *last = (struct screen_cell){.code_points = {screen_marks()->cut}, .style = last->style};
    }
    pen->is_full = true;
    pen->column = pen->end;
}

static void put(struct screen_pen *pen, enum screen_style style, uint32_t code_point, int columns)
{
    if (pen->is_full)
        return;
    if (pen->column + columns > pen->end) {
        while (pen->column < pen->end)
            *cell_at(pen->cells, pen->column++, pen->row) =
                (struct screen_cell){.code_points = {' '}, .style = style};
        mark_cut(pen);
        return;
    }
    CHECK(printable_is_visible(code_point));
    *cell_at(pen->cells, pen->column, pen->row) =
        (struct screen_cell){.code_points = {code_point}, .style = style};
    if (columns == 2)
        *cell_at(pen->cells, pen->column + 1, pen->row) = (struct screen_cell){.style = style};
    pen->column += columns;
}

/* An accent, for the glyph before. More than two on one glyph do not help anybody. */
static void join(struct screen_pen *pen, uint32_t code_point)
{
    int column = pen->column - 1;
    if (pen->is_full || column < pen->start || code_point == 0xfe0e || code_point == 0xfe0f)
        return;
    struct screen_cell *cell = cell_at(pen->cells, column, pen->row);
    if (cell->code_points[0] == 0 && column > pen->start)
        cell = cell_at(pen->cells, column - 1, pen->row);
    for (size_t i = 1; i < 3; i++) {
        if (cell->code_points[i] == 0) {
            cell->code_points[i] = code_point;
            return;
        }
    }
}

static void put_escaped(struct screen_pen *pen, const char *shown)
{
    for (; *shown; shown++)
        put(pen, SCREEN_ESCAPED, (uint8_t)*shown, 1);
}

void screen_pen_text(struct screen_pen *pen, enum screen_style style, struct bytes text)
{
    while (text.length && !pen->is_full) {
        struct screen_glyph glyph = screen_glyph_first(text);
        if (text.data[0] == '\t') {
            int stop = (pen->column - pen->start) / SCREEN_GLYPH_TAB * SCREEN_GLYPH_TAB;
            screen_pen_advance(pen, style, stop + SCREEN_GLYPH_TAB);
        } else if (text.data[0] == '\n') {
            put(pen, style, ' ', 1);
        } else if (glyph.is_escaped) {
            put_escaped(pen, glyph.shown);
        } else if (glyph.columns == 0) {
            join(pen, glyph.code_point);
        } else {
            put(pen, style, glyph.code_point, glyph.columns);
        }
        text = bytes_from(text, glyph.length);
    }
}

void screen_pen_format(struct screen_pen *pen, enum screen_style style, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    screen_pen_text(pen, style, bytes_from_text(text));
}

void screen_pen_right(struct screen_pen *pen, enum screen_style style, const char *text,
                      int columns)
{
    struct bytes bytes = bytes_from_text(text);
    int length = (int)screen_glyph_columns(bytes);
    int stop = pen->column + columns;
    for (int i = length; i < columns; i++)
        put(pen, style, ' ', 1);
    struct screen_pen part = *pen;
    part.end = stop < pen->end ? stop : pen->end;
    screen_pen_text(&part, style, bytes);
    pen->column = part.column;
}

void screen_pen_advance(struct screen_pen *pen, enum screen_style style, int column)
{
    int stop = pen->start + column < pen->end ? pen->start + column : pen->end;
    while (pen->column < stop && !pen->is_full)
        put(pen, style, ' ', 1);
}

void screen_pen_fill(struct screen_pen *pen, enum screen_style style)
{
    screen_pen_advance(pen, style, pen->end - pen->start);
}

void screen_pen_restyle(struct screen_pen *pen, enum screen_style style)
{
    for (int column = pen->start; column < pen->end; column++)
        cell_at(pen->cells, column, pen->row)->style = style;
}
