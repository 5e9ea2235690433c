#ifndef SPY_SCREEN_FILE_H
#define SPY_SCREEN_FILE_H

#include "base/bytes.h"
#include "base/error.h"

enum screen_file_result { SCREEN_FILE_SAVED, SCREEN_FILE_EXISTS, SCREEN_FILE_FAILED };

/**
 * Write a text to a new file that only the user may read. One that is there is left alone unless
 * `is_overwriting`; a link, or anything but a plain file, is never written to.
 */
enum screen_file_result screen_file_save(const char *path, struct bytes text, bool is_overwriting,
                                         struct error *error);

/** A name for what is saved, made of letters, digits, `-`, `_` and `.` whatever `title` holds. */
void screen_file_name(unsigned long long call, struct bytes title, char *name, size_t size);

#endif
