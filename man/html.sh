#!/bin/sh
#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# html.sh dir title page ...: format the manual as HTML pages in dir, with an
# index.html.  References to pages of other manuals become plain text.  Run it
# in the directory of the pages.

set -eu
dir=$1 title=$2
shift 2
src=$(pwd)
rm -rf "$dir"
mkdir -p "$dir/tmp"
cp style.css "$dir/style.css"
cd "$dir/tmp"

# Mandoc turns a reference into a link if there is a file with the page's name.
# So make an empty file for each further name of a page.
for page; do
	cp "$src/$page" "$page"
done
while read -r page name; do
	[ ! -e "$page" ] || : > "$name"
done < "$src/mlinks"

# Turn a reference to an absent page into text, and a reference by a further
# name into a link to the page.  Add a link to the index to each page.
cat > links.awk <<'EOF'
FILENAME != "-" {
	page[$2 ".html"] = $1 ".html"
	next
}
{
	out = ""
	while (match($0, /<a class="Xr" href="[^"]*">[^<]*<\/a>/)) {
		link = substr($0, RSTART, RLENGTH)
		out = out substr($0, 1, RSTART - 1)
		$0 = substr($0, RSTART + RLENGTH)
		split(link, part, /["<>]/)
		if (part[5] ~ /^absent:/)
			link = part[7]
		else if (part[5] in page)
			link = "<a class=\"Xr\" href=\"" page[part[5]] "\">" \
			    part[7] "</a>"
		out = out link
	}
	print out $0
}
/^<body>/ {
	print "<p class=\"index\"><a href=\"index.html\">Index</a></p>"
}
EOF

for page; do
	mandoc -T html \
	    -O 'style=style.css,toc,man=%N.%S.html;absent:%N.%S' "$page" |
	    awk -f links.awk "$src/mlinks" - > "../$page.html"
done

# Print the index entry of a page: its name and its one-line description.
entry()
{
	awk -v page="$1" '
	$1 == ".Nd" {
		sub(/^\.Nd /, "")
		gsub(/"/, ""); gsub(/&/, "\\&amp;"); gsub(/</, "\\&lt;")
		name = page
		sub(/\.[0-9]$/, "", name)
		section = page
		sub(/.*\./, "", section)
		printf "<dt><a href=\"%s.html\">%s(%s)</a></dt><dd>%s</dd>\n",
		    page, name, section, $0
		exit
	}' "$1"
}

section()
{
	echo "<h2>$2</h2>"
	echo "<dl>"
	shift 2
	for page; do
		entry "$page"
	done
	echo "</dl>"
}

{
	cat <<EOF
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1.0"/>
<link rel="stylesheet" href="style.css" type="text/css"/>
<title>$title</title>
</head>
<body>
<h1>$title</h1>
<p>Begin with <a href="workqueue.9.html">workqueue(9)</a>, the interface;
<a href="libworkqueue.3.html">libworkqueue(3)</a>, how to build, link and run;
or <a href="workqueue.7.html">workqueue(7)</a>, an overview.</p>
EOF
	for s in 1 3 7 9; do
		pages=
		for page; do
			case $page in
			*."$s")	pages="$pages $page" ;;
			esac
		done
		case $s in
		1)	what="Programs" ;;
		3)	what="Libraries" ;;
		7)	what="Overviews" ;;
		9)	what="Interfaces" ;;
		esac
		# shellcheck disable=SC2086
		[ -z "$pages" ] || section "$s" "$what" \
		    $(printf '%s\n' $pages | LC_ALL=C sort -f)
	done
	echo "</body>"
	echo "</html>"
} > ../index.html
cd ..
rm -r tmp
