#!/bin/sh
# Lays out the texts of the story models: prepare.sh CORPORA OUTPUT
#
# CORPORA holds tinystories/, gutenberg_children/ and fairytaleqa_stories.txt (see README.md). OUTPUT gets train/ and
# held-out/, with one file a corpus, documents ending in a line <|endoftext|>. Held out are the head of TinyStories'
# validation split and every tenth book, without the paragraphs that the training text also has.
set -eu
[ $# -eq 2 ] || { echo "usage: $0 CORPORA OUTPUT" >&2; exit 64; }
corpora=$1
output=$2
mark='<|endoftext|>'
mkdir -p "$output/train" "$output/held-out"
export LC_ALL=C

# The last 16 stories of the first file are probably from the validation split.
stories=$(grep -cxF "$mark" "$corpora/tinystories/tinystories_cased_all.txt")
{
    awk -v mark="$mark" -v keep=$((stories - 16)) 'n < keep { print } $0 == mark { n++ }' \
        "$corpora/tinystories/tinystories_cased_all.txt"
    cat "$corpora/tinystories/tinystories_recased_from_lowercase.txt"
} > "$output/train/tinystories.txt"

cp "$corpora/fairytaleqa_stories.txt" "$output/train/fairytales.txt"
chmod u+w "$output/train/fairytales.txt"

# The validation head has no marks: a story begins where a paragraph says so. The first and the last one are cut.
awk -v mark="$mark" '
    /^$/ { next }
    /^Once upon a time/ { if (story != "" && n++ > 0) printf "%s%s\n", story, mark; story = "" }
    { story = story $0 "\n" }' \
    "$corpora/tinystories/tinystories_valid_head.txt" > "$output/held-out/tinystories.txt"

: > "$output/train/books.txt"
: > "$output/books.tmp"
for file in "$corpora"/gutenberg_children/*.txt.gz; do gzip -dc "$file"; done |
    awk -v mark="$mark" -v train="$output/train/books.txt" -v held="$output/books.tmp" '
        { if (n % 10 == 5) print > held; else print > train }
        $0 == mark { n++ }'
awk -v mark="$mark" '
    FILENAME != ARGV[ARGC - 1] { if (length($0) > 60) seen[$0] = 1; next }
    $0 == mark || !($0 in seen)' \
    "$output/train/books.txt" "$output/train/fairytales.txt" "$output/books.tmp" > "$output/held-out/books.part"
rm "$output/books.tmp"
# Last, so that the presence of this file says that all are complete.
mv "$output/held-out/books.part" "$output/held-out/books.txt"
wc -c "$output"/train/*.txt "$output"/held-out/*.txt
