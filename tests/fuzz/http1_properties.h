#ifndef TESTS_FUZZ_HTTP1_PROPERTIES_H
#define TESTS_FUZZ_HTTP1_PROPERTIES_H

#include "wire/http1.h"

/** What holds for every head that the parser accepts. CHECKed. */

/** The same message in pieces of `step` bytes, in memory that moves, gives the same outcome. */
void http1_properties_check_pieces(const struct http1_head_parser *start, struct bytes message,
                                   size_t step, enum parse_status status,
                                   const struct http_head *head, size_t head_bytes);

/** Two heads say the same. */
void http1_properties_check_equal(const struct http_head *a, const struct http_head *b);

#endif
