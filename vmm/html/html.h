/*
 * `minivmm report`: one HTML page that shows a recording, see docs/report.md.
 *
 * The page is self-contained: no network, no library. The stream is read once, event by event, in
 * bounded memory, so a page has at most a few megabytes for any recording.
 */
#ifndef VMM_HTML_HTML_H
#define VMM_HTML_HTML_H

#include "vmm/base/error.h"

/*
 * Write the page of the exit stream (stream_path) to (out_path), completely or not at all: it is
 * renamed when it is complete. An incomplete recording, and a stream without times, have a page
 * too. 0 or a negative errno: the sentence names the file, and for a stream the line.
 */
int html_write(const char *stream_path, const char *out_path, struct error *error);

#endif
