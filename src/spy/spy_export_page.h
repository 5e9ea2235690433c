#ifndef SPY_SPY_EXPORT_PAGE_H
#define SPY_SPY_EXPORT_PAGE_H

/** What stands before and after the calls of the page that is exported. */
extern const char spy_export_page_start[];
extern const char spy_export_page_end[];

#endif
