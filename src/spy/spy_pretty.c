#include "spy/spy_pretty.h"

enum { DEPTH_SHOWN_MAX = 20 };

void spy_pretty_start(struct spy_pretty *pretty)
{
    *pretty = (struct spy_pretty){0};
}

static void add_line_end(const struct spy_pretty *pretty, struct spy_paper *paper)
{
    unsigned depth = pretty->depth < DEPTH_SHOWN_MAX ? pretty->depth : DEPTH_SHOWN_MAX;
    spy_paper_add_format(paper, "\n%*s", (int)depth * 2, "");
}

/* Returns how many bytes of the text's rest were taken. */
static size_t add_in_text(struct spy_pretty *pretty, struct spy_paper *paper, struct bytes rest)
{
    size_t length = 0;
    bool is_line_end = false;
    while (length < rest.length && pretty->is_in_text && !is_line_end) {
        uint8_t byte = rest.data[length++];
        if (pretty->is_escape) {
            pretty->is_escape = false;
            is_line_end = byte == 'n';
        } else if (byte == '\\') {
            pretty->is_escape = true;
        } else if (byte == '"') {
            pretty->is_in_text = false;
        }
    }
    spy_paper_add(paper, bytes_first(rest, length));
    if (is_line_end)
        add_line_end(pretty, paper);
    return length;
}

static void add_structure(struct spy_pretty *pretty, struct spy_paper *paper, struct bytes byte)
{
    uint8_t value = byte.data[0];
    bool is_close = value == '}' || value == ']';
    if (value == ' ' || value == '\n' || value == '\r' || value == '\t')
        return;
    bool was_opened = pretty->is_opened;
    pretty->is_opened = false;
    if (is_close && pretty->depth > 0)
        pretty->depth--;
    if (is_close != was_opened)
        add_line_end(pretty, paper);
    spy_paper_add(paper, byte);
    if (value == '{' || value == '[') {
        pretty->depth++;
        pretty->is_opened = true;
    } else if (value == ',') {
        add_line_end(pretty, paper);
    } else if (value == ':') {
        spy_paper_add_text(paper, " ");
    } else if (value == '"') {
        pretty->is_in_text = true;
    }
}

static size_t add_json(struct spy_pretty *pretty, struct spy_paper *paper, struct bytes rest)
{
    if (pretty->is_in_text)
        return add_in_text(pretty, paper, rest);
    /* Bytes past ASCII have no place here: they are shown together, as the characters they are. */
    size_t length = 0;
    while (length < rest.length && rest.data[length] >= 0x80)
        length++;
    if (length > 0)
        spy_paper_add(paper, bytes_first(rest, length));
    else
        add_structure(pretty, paper, bytes_first(rest, length = 1));
    return length;
}

void spy_pretty_add(struct spy_pretty *pretty, struct spy_paper *paper, struct bytes piece)
{
    if (pretty->mode == SPY_PRETTY_START && piece.length > 0) {
        bool is_json = piece.data[0] == '{' || piece.data[0] == '[';
        pretty->mode = is_json ? SPY_PRETTY_JSON : SPY_PRETTY_PLAIN;
    }
    while (piece.length > 0) {
        size_t taken = piece.length;
        if (pretty->mode == SPY_PRETTY_JSON)
            taken = add_json(pretty, paper, piece);
        else
            spy_paper_add(paper, piece);
        piece = bytes_from(piece, taken);
    }
}
