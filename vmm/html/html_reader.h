/* Read a stream once, line by line, into the page's JSON data. */
#ifndef VMM_HTML_HTML_READER_H
#define VMM_HTML_HTML_READER_H

#include "vmm/base/error.h"
#include "vmm/base/text.h"

/*
 * Append to (data) one JSON object (vmm/html/html_json.h) with all data of the page of the stream
 * (path). Its size is bounded. docs/report.md names its members. Negative errno.
 */
int html_read(const char *path, struct text *data, struct error *error);

#endif
