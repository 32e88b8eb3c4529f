/* The page: the files of vmm/html/page/, which are built in, put together. */
#ifndef VMM_HTML_HTML_TEMPLATE_H
#define VMM_HTML_HTML_TEMPLATE_H

#include "vmm/base/text.h"

/*
 * Append the whole page to (html): (data) is JSON as of vmm/html/html_json.h. A browser runs only
 * its own scripts and styles, since only they have (nonce), which is letters and digits.
 */
void html_template_fill(const struct text *data, const char *nonce, struct text *html);

#endif
