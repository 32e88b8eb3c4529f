/*
 * The files of vmm/html/page/, which are in the program, put together to a page.
 */
#ifndef VMM_HTML_HTML_TEMPLATE_H
#define VMM_HTML_HTML_TEMPLATE_H

#include "vmm/base/text.h"

/*
 * The whole page into (html): (data) is JSON as of vmm/html/html_json.h. Its scripts and styles are the
 * only ones that a browser runs, as only they have (nonce), which is letters and digits.
 */
void html_template_fill(const struct text *data, const char *nonce, struct text *html);

#endif
