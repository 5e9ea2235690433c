#ifndef SPY_SPY_SECTION_RAW_H
#define SPY_SPY_SECTION_RAW_H

#include "llm/llm_call.h"
#include "spy/spy_paper.h"

/** The request line, headers and bodies of a call, as far as they were captured. */
void spy_section_raw_add(struct spy_paper *paper, const struct llm_call *call);

#endif
