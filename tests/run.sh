#!/bin/sh
#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# run.sh top objtop host san model [filter ...]: run what is built under
# objtop/tests with kyua, show the failures, and compare the tests that the
# back end skips with the committed list.  With filters, run those tests of
# objtop/pick, which pick.sh made.  "bmake test" calls this.
# It does not run tests named in the file $WITHOUT, as program:case or program;
# # begins a comment.  With WHOLE=yes the filters are all tests of the back end.
# The counts go to objtop/test.result: passed failed skipped; the failures, one
# a line, to objtop/test.failed, and their output to objtop/test.detail.

set -u
top=$1 obj=$2 host=$3 san=$4 model=$5
shift 5
compare=yes
kyuafile=$top/Kyuafile
if [ $# -ne 0 ]; then
	compare=${WHOLE-no}
	kyuafile=$obj/pick/Kyuafile
elif [ "$model" = no ]; then
	set -- tests/check tests/examples tests/sys
fi
db=$obj/test.db
report=$obj/test.report
result=$obj/test.result
broken=$obj/test.failed
detail=$obj/test.detail
rm -f "$db" "$report" "$result" "$broken" "$detail"

# The sanitizers' memory layouts do not allow random addresses far apart.
: "${TSAN_OPTIONS=die_after_fork=0:second_deadlock_stack=1:atexit_sleep_ms=0}"
: "${UBSAN_OPTIONS=print_stacktrace=1}"
export TSAN_OPTIONS UBSAN_OPTIONS
run=
if [ -n "$san" ] && setarch -R true 2>/dev/null; then
	run="setarch -R"
fi

# shellcheck disable=SC2086
kyua="kyua --logfile=$obj/test.log --loglevel=warning"
if [ -n "${WITHOUT-}" ]; then
	compare=${WHOLE-no}
	$kyua list --kyuafile="$kyuafile" --build-root="$obj" "$@" \
	    > "$obj/test.list" || exit 1
	sed -e 's/[[:space:]]*#.*//' -e '/^$/d' "$WITHOUT" |
	    awk -v list="$obj/test.list" '
	    { without[$1] }
	    END {
		while ((getline t < list) > 0) {
			p = t
			sub(/:.*/, "", p)
			if (!(t in without) && !(p in without))
				print t
		}
	    }' > "$obj/test.with"
	# shellcheck disable=SC2046
	set -- $(cat "$obj/test.with")
fi
$run $kyua -v parallelism=2 test --kyuafile="$kyuafile" \
    --build-root="$obj" --results-file="$db" "$@"
status=$?
if [ ! -f "$db" ]; then
	echo "run.sh: kyua could not run the tests" >&2
	exit 1
fi

$kyua report --results-file="$db" --results-filter=skipped > "$report"
# total skipped xfail broken failed
numbers=$(sed -n '/^Test cases:/s/[^0-9 ]//gp' "$report")
# shellcheck disable=SC2086
set -- $numbers
if [ $# -ne 5 ]; then
	echo "run.sh: kyua's report is not understood" >&2
	exit 1
fi
failed=$(($4 + $5))
passed=$(($1 - $2 - failed))

$kyua report --results-file="$db" --results-filter=broken,failed |
    grep -e '->  failed: ' -e '->  broken: ' > "$broken"
if [ "$failed" -ne 0 ]; then
	echo
	$kyua report --results-file="$db" --results-filter=broken,failed \
	    --verbose | sed '/^===> Execution context/,/^===> [^E]/{
		/^===> [^E]/!d
	    }' | tee "$detail"
fi
if [ "$passed" -eq 0 ]; then
	echo "run.sh: no test passed" >&2
	status=1
fi
if [ "$2" -ne 0 ]; then
	echo
	grep -e '->  skipped: ' "$report"
fi

# The list of what the back end cannot do changes only on purpose.
list=$top/tests/skip.$host
if [ "$compare" = yes ] && [ -f "$list" ]; then
	sed -n 's/  ->  skipped: host: .*//p' "$report" | sort \
	    > "$obj/test.skip"
	if ! sed -e 's/[[:space:]]*#.*//' -e '/^$/d' "$list" | sort |
	    diff - "$obj/test.skip"; then
		echo "run.sh: the tests skipped are not those in $list" |
		    tee -a "$broken" >&2
		failed=$((failed + 1))
		status=1
	else
		passed=$((passed + 1))
	fi
fi

echo "$passed $failed $2" > "$result"
echo
cat "$broken"
echo "libworkqueue, ${obj##*/}: $passed passed, $failed failed, $2 skipped"
[ "$failed" -eq 0 ] || status=1
exit $status
