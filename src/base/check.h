#ifndef BASE_CHECK_H
#define BASE_CHECK_H

/**
 * CHECK(condition): our own mistake, never the peer's. Always compiled in: a process that has
 * lost an invariant ends, and whoever supervises it starts a clean one.
 */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            check_failed(#condition, __FILE__, __LINE__);                                          \
    } while (0)

/** Print `BUG: ...` to standard error and abort. */
_Noreturn void check_failed(const char *condition, const char *file, int line);

#endif
