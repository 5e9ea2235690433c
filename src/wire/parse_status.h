#ifndef WIRE_PARSE_STATUS_H
#define WIRE_PARSE_STATUS_H

/** What a parser made of the bytes so far. */
enum parse_status {
    PARSE_NEED_MORE, /* a legal beginning */
    PARSE_OK,        /* complete */
    PARSE_BAD        /* no bytes that follow can make it legal; the parser's reason says why */
};

#endif
