#include "spy/spy_paper.h"

#include "base/printable.h"
#include "spy/spy_width.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { COLUMNS_MIN = 8, TAB_COLUMNS = 8, FORMAT_SIZE = 1024, INDENT_MAX = 64 };

static const char *const styles[] = {
    [SPY_STYLE_PLAIN] = "",        [SPY_STYLE_HEAD] = "\033[1m",
    [SPY_STYLE_NOTE] = "\033[2m",  [SPY_STYLE_ASKED] = "\033[36m",
    [SPY_STYLE_SAID] = "\033[32m", [SPY_STYLE_THOUGHT] = "\033[2;3m",
    [SPY_STYLE_TOOL] = "\033[33m", [SPY_STYLE_ERROR] = "\033[31m",
};
static_assert(sizeof(styles) / sizeof(styles[0]) == SPY_STYLE_COUNT, "each style has its colours");

void spy_paper_init(struct spy_paper *paper, spy_output_fn *write, void *context)
{
    *paper = (struct spy_paper){.write = write, .context = context};
}

static void put(struct spy_paper *paper, const char *text, size_t length)
{
    if (length > 0)
        (void)!paper->write(paper->context, (struct bytes){(const uint8_t *)text, length});
}

static void put_text(struct spy_paper *paper, const char *text)
{
    put(paper, text, strlen(text));
}

static void start_line(struct spy_paper *paper)
{
    static const char spaces[INDENT_MAX + 1] =
        "                                                                ";
    if (paper->column > 0)
        return;
    put(paper, spaces, (size_t)paper->indent);
    if (paper->has_colours)
        put_text(paper, styles[paper->style]);
    /* A line without an indent has begun all the same. */
    paper->column = paper->indent + 1;
}

static void break_line(struct spy_paper *paper)
{
    if (paper->column > 0 && paper->has_colours && *styles[paper->style])
        put_text(paper, "\033[0m");
    put_text(paper, "\n");
    paper->column = 0;
    paper->is_wrapped = false;
}

/* One past the last column of the lines. */
static int line_end(const struct spy_paper *paper)
{
    int least = paper->indent + COLUMNS_MIN;
    return 1 + (paper->width > least ? paper->width : least);
}

static void put_spaces(struct spy_paper *paper)
{
    start_line(paper);
    for (; paper->spaces > 0; paper->spaces--, paper->column++)
        put_text(paper, " ");
}

void spy_paper_flush(struct spy_paper *paper)
{
    if (paper->word_length == 0)
        return;
    bool is_begun = paper->column > paper->indent + 1;
    int columns = paper->spaces + paper->word_columns;
    if (paper->width && is_begun && paper->column + columns > line_end(paper)) {
        break_line(paper); /* the spaces at which a line is broken are not shown */
        paper->spaces = 0;
    }
    put_spaces(paper);
    put(paper, (const char *)paper->word, paper->word_length);
    paper->column += paper->word_columns;
    paper->word_length = 0;
    paper->word_columns = 0;
    paper->is_wrapped = false;
}

void spy_paper_end_line(struct spy_paper *paper)
{
    spy_paper_flush(paper);
    if (paper->spaces > 0)
        put_spaces(paper);
    if (paper->column > 0)
        break_line(paper);
}

void spy_paper_set(struct spy_paper *paper, enum spy_style style, int indent)
{
    spy_paper_end_line(paper);
    paper->style = style;
    paper->indent = indent < INDENT_MAX ? indent : INDENT_MAX;
}

static void add_space(struct spy_paper *paper)
{
    spy_paper_flush(paper);
    int column = paper->column > 0 ? paper->column : paper->indent + 1;
    if (paper->is_wrapped)
        return;
    if (paper->width && column + paper->spaces + 1 > line_end(paper)) {
        put_spaces(paper);
        break_line(paper);
        paper->is_wrapped = true;
    } else {
        paper->spaces++;
    }
    if (paper->width == 0)
        put_spaces(paper);
}

static void add_tab(struct spy_paper *paper)
{
    if (paper->width == 0) {
        start_line(paper);
        put_text(paper, "\t");
        return;
    }
    spy_paper_flush(paper);
    int column = paper->column > 0 ? paper->column - paper->indent - 1 : 0;
    int columns = TAB_COLUMNS - (column + paper->spaces) % TAB_COLUMNS;
    for (int i = 0; i < columns; i++)
        add_space(paper);
}

static void add_to_word(struct spy_paper *paper, const char *shown, int columns)
{
    size_t length = strlen(shown);
    bool is_line_full =
        paper->width && paper->indent + 1 + paper->word_columns + columns > line_end(paper);
    if (is_line_full || paper->word_length + length > sizeof(paper->word))
        spy_paper_flush(paper);
    memcpy(paper->word + paper->word_length, shown, length);
    paper->word_length += length;
    paper->word_columns += columns;
}

static void add_character(struct spy_paper *paper, const char *shown, int columns, bool is_escaped)
{
    char marked[SPY_WIDTH_SHOWN + 32];
    /* Between wide characters a line may break anywhere. */
    if (columns == 2 && !is_escaped)
        spy_paper_flush(paper);
    if (is_escaped && paper->has_colours) {
        snprintf(marked, sizeof(marked), "\033[7m%s\033[0m%s", shown, styles[paper->style]);
        shown = marked;
    }
    add_to_word(paper, shown, columns);
    if (paper->width == 0)
        spy_paper_flush(paper);
}

void spy_paper_add(struct spy_paper *paper, struct bytes text)
{
    while (text.length > 0) {
        char shown[SPY_WIDTH_SHOWN];
        int columns = 0;
        bool is_escaped = false;
        size_t taken = 1;
        if (text.data[0] == '\n') {
            spy_paper_flush(paper);
            if (paper->spaces > 0)
                put_spaces(paper);
            break_line(paper);
        } else if (text.data[0] == ' ') {
            add_space(paper);
        } else if (text.data[0] == '\t') {
            add_tab(paper);
        } else {
            taken = spy_width_take(text, shown, &columns, &is_escaped);
            paper->joined = columns == 0 && !is_escaped ? paper->joined + 1 : 0;
            if (paper->joined > SPY_PAPER_JOINED_MAX) {
                uint32_t code_point = 0;
                (void)printable_next_code_point(text, &code_point);
                columns = spy_width_escape(code_point, shown);
                is_escaped = true;
            }
            add_character(paper, shown, columns, is_escaped);
        }
        text = bytes_from(text, taken);
    }
}

void spy_paper_add_text(struct spy_paper *paper, const char *text)
{
    spy_paper_add(paper, bytes_from_text(text));
}

void spy_paper_add_format(struct spy_paper *paper, const char *format, ...)
{
    char text[FORMAT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    spy_paper_add_text(paper, text);
}
