/*
 * What a page knows of a stream: read once, line by line, into JSON.
 */
#ifndef VMM_HTML_HTML_READER_H
#define VMM_HTML_HTML_READER_H

#include "vmm/base/error.h"
#include "vmm/base/text.h"

/*
 * Append to (data) one JSON object, as of vmm/html/html_json.h, that tells all that a page shows of the
 * stream (path). Its size is bounded. docs/report.md names its members. Negative errno.
 */
int html_read(const char *path, struct text *data, struct error *error);

#endif
