/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Write HTML pages.  A page is also well-formed XML, so that a test can parse
 * it.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <host/host_page.h>

/* Made from host_page.js. */
#include "host_page_js.h"

static const char page_head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />\n"
    "<style>\n"
    "body { font: 14px sans-serif; margin: 2em; color: #222; }\n"
    "table { border-collapse: collapse; }\n"
    "th { position: sticky; top: 0; background: #fff; text-align: left;\n"
    "    border-bottom: 2px solid #888; padding: 4px 12px; }\n"
    "td { border-left: 1px solid #ccc; padding: 1px 12px; }\n"
    "td:first-child { border-left: 0; color: #888; text-align: right; }\n"
    "td span { display: block; font-family: monospace; padding: 2px 6px;\n"
    "    background: #e8eef8; border-radius: 3px; }\n"
    "td span:hover { background: #c8d8f0; }\n"
    "td span.mark { background: #fbe3c0; }\n"
    "pre { background: #f4f4f4; padding: 8px; }\n"
    "canvas { display: block; width: 100%; border: 1px solid #888;\n"
    "    margin: 1em 0; }\n"
    "</style>\n<title>";

static void
page_put(struct page_out *po, const char *s)
{

	(*po->po_write)(po, s, strlen(s));
}

static void
page_text(struct page_out *po, const char *s)
{
	unsigned char c;

	for (; (c = (unsigned char)*s) != '\0'; s++)
		if (c == '<')
			page_put(po, "&lt;");
		else if (c == '>')
			page_put(po, "&gt;");
		else if (c == '&')
			page_put(po, "&amp;");
		else if (c == '"')
			page_put(po, "&quot;");
		else if ((c < ' ' && c != '\n' && c != '\t') || c > '~')
			page_put(po, "?");
		else
			(*po->po_write)(po, s, 1);
}

static void
page_begin(struct page_out *po, const char *title)
{

	page_put(po, page_head);
	page_text(po, title);
	page_put(po, "</title>\n</head>\n<body>\n<h1>");
	page_text(po, title);
	page_put(po, "</h1>\n");
}

void
page_timeline(struct page_out *po, const char *title)
{
	size_t i;

	page_begin(po, title);
	page_put(po, "<pre id=\"detail\">The page is loading.</pre>\n"
	    "<canvas id=\"lanes\" tabindex=\"0\"></canvas>\n"
	    "<table><thead id=\"heads\"></thead>"
	    "<tbody id=\"queues\"></tbody></table>\n"
	    "<script>//<![CDATA[\n");
	for (i = 0; i < sizeof(page_js) / sizeof(page_js[0]); i++)
		page_put(po, page_js[i]);
	/*
	 * The events come last.  So if the program crashes, only events are
	 * missing, and a browser shows the others.
	 */
	page_put(po, "//]]></script>\n"
	    "<script type=\"application/json\" id=\"trace\">\n");
}

void
page_timeline_end(struct page_out *po)
{

	page_put(po, "</script>\n</body>\n</html>\n");
}

/*
 * The simulator's pages, by stdio(3).
 */
struct page_stdio {
	struct page_out	 ps_out;	/* first */
	FILE		*ps_fp;
};

static void
page_fwrite(struct page_out *po, const char *s, size_t len)
{
	struct page_stdio *ps = (struct page_stdio *)po;

	(void)fwrite(s, 1, len, ps->ps_fp);
}

void
page_escape(FILE *fp, const char *s)
{
	struct page_stdio ps = { { page_fwrite }, fp };

	page_text(&ps.ps_out, s);
}

int
page_write(FILE *fp, const struct page *pg)
{
	struct page_stdio ps = { { page_fwrite }, fp };
	struct page_out *po = &ps.ps_out;
	const struct page_event *pe;
	unsigned i;

	page_begin(po, pg->pg_title);
	page_put(po, "<pre>");
	page_text(po, pg->pg_summary);
	page_put(po, "</pre>\n<table>\n<thead><tr><th></th>");
	for (i = 0; i < pg->pg_nlanes; i++) {
		page_put(po, "<th>");
		page_text(po, pg->pg_lanes[i]);
		page_put(po, "</th>");
	}
	page_put(po, "</tr></thead>\n<tbody>\n");
	for (pe = pg->pg_events; pe < pg->pg_events + pg->pg_nevents; pe++) {
		(void)fprintf(fp, "<tr><td>%llu</td>",
		    (unsigned long long)pe->pe_number);
		for (i = 0; i < pg->pg_nlanes; i++) {
			if (i != pe->pe_lane) {
				page_put(po, "<td></td>");
				continue;
			}
			(void)fprintf(fp, "<td><span%s title=\"",
			    pe->pe_mark ? " class=\"mark\"" : "");
			page_text(po, pe->pe_detail);
			page_put(po, "\">");
			page_text(po, pe->pe_text);
			page_put(po, "</span></td>");
		}
		page_put(po, "</tr>\n");
	}
	page_put(po, "</tbody>\n</table>\n</body>\n</html>\n");
	return ferror(fp) ? EIO : 0;
}
