#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include "base/bytes.h"

/**
 * Decimal digits only: no sign, space or empty input, at most `maximum`. Leading zeros are
 * refused unless the number is "0". On failure `*value` is untouched.
 */
bool number_parse_decimal(struct bytes text, uint64_t maximum, uint64_t *value);

/** 1 to 16 hexadecimal digits of either case, at most `maximum`. */
bool number_parse_hexadecimal(struct bytes text, uint64_t maximum, uint64_t *value);

/** A size with an optional K, M or G suffix (powers of 1024), in bytes; bare numbers are `unit`. */
bool number_parse_size(struct bytes text, uint64_t unit, uint64_t maximum, uint64_t *size_bytes);

/** Dotted IPv4, four decimal octets without leading zeros; host byte order. */
bool number_parse_ipv4(struct bytes text, uint32_t *address);
/** The dotted form of a host-order address; `text` has at least 16 bytes. */
void number_format_ipv4(uint32_t address, char text[16]);

#endif
