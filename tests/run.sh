#!/bin/sh
#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# run.sh top objtop host san model [filter ...]: run what is built under
# objtop/tests by kyua, show what failed, and compare the tests that the
# back end skips with the committed list.  "bmake test" calls this.
# The numbers are left in objtop/test.result: passed failed skipped; what
# failed, a line each, in objtop/test.failed, and what it said in
# objtop/test.detail.

set -u
top=$1 obj=$2 host=$3 san=$4 model=$5
shift 5
compare=yes
if [ $# -ne 0 ]; then
	compare=no
elif [ "$model" = no ]; then
	set -- tests/check tests/examples tests/sys
fi
db=$obj/test.db
report=$obj/test.report
result=$obj/test.result
broken=$obj/test.failed
detail=$obj/test.detail
rm -f "$db" "$report" "$result" "$broken" "$detail"

# The sanitizers' memory layouts bear no far-flung random addresses.
: "${TSAN_OPTIONS=die_after_fork=0:second_deadlock_stack=1:atexit_sleep_ms=0}"
: "${UBSAN_OPTIONS=print_stacktrace=1}"
export TSAN_OPTIONS UBSAN_OPTIONS
run=
if [ -n "$san" ] && setarch -R true 2>/dev/null; then
	run="setarch -R"
fi

# shellcheck disable=SC2086
kyua="kyua --logfile=$obj/test.log --loglevel=warning"
$run $kyua -v parallelism=2 test --kyuafile="$top/Kyuafile" \
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

# What the back end cannot do is a list that changes only on purpose.
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
