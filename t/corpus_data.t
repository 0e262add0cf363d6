#!/usr/bin/perl

# The shape of t/corpus: rows that say all they must, codes that exist, brands
# whose numbers are valid, and enough of each class and of lawful texts that a
# measurement by them means something.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use List::Util qw(sum);
use Test::More;
use Unicode::Normalize qw(NFC NFD);

use SMS::Source;
use SMS::Tap;

binmode $_, ':encoding(UTF-8)'
    for Test::More->builder->output, Test::More->builder->failure_output;

my %least = (commercial => 80, informational => 60, otp => 20, exempt => 30);
my %letter = (commercial => 'c', informational => 'i', otp => 'o', exempt => 'e');
my @fields = qw(id class basis exemption brand sender text expect tempting note);

my $brands = JSON::PP->new->decode(content('t/corpus/brands.json'));
my $ahead = JSON::PP->new->decode(content('t/corpus/ahead.json'));
my %code = map { $_ => 1 } code('plugins/rule/content/content_finding.def')
                          =~ /^CONTENT_FINDING\(\w+, "([a-z-]+)"/mg;
my %word = map { $_ => words($_) } qw(basis exemption owner_kind);

cmp_ok(keys %code, '>', 20, 'the table of findings is there');

my (@rows, @wrong);

for my $class (sort keys %least) {
    my $n = 0;

    for my $line (split /\n/, content("t/corpus/$class.jsonl")) {
        $n++;
        my $row = eval { JSON::PP->new->decode($line) };
        if (ref $row ne 'HASH') {
            push @wrong, "$class.jsonl:$n: no JSON object";
            next;
        }

        $row->{id} //= "$class.jsonl:$n";
        push @wrong, "$row->{id}: class is not the file's" if ($row->{class} // '') ne $class;
        push @rows, $row;
    }
}

none(\@wrong, 'every line is a row of its file\'s class');
none([ map { faults($_) } @rows ], 'every row says what it must, in words that exist');
none([ twice('id') ], 'no id twice');
none([ twice('text') ], 'no text twice');

cmp_ok(@rows, '>=', 200, scalar(@rows) . ' texts');

for my $class (sort keys %least) {
    my @of = grep { $_->{class} eq $class } @rows;
    my $lawful = grep { !@{ $_->{expect} } } @of;
    cmp_ok(@of, '>=', $least{$class}, "$class: " . @of . ' texts');
    cmp_ok($lawful / (@of || 1), '>', 0.3, "$lawful of them lawful");
    cmp_ok($lawful, '<', scalar @of, 'and some are not');
}

my $tempting = grep { @{ $_->{tempting} // [] } } @rows;
cmp_ok($tempting / @rows, '>=', 1 / 3, "a third are lawful and tempt: $tempting");

# what a code stands for is measured by more than one text
my %expected;
$expected{$_}++ for map { @{ $_->{expect} } } @rows;
none([ grep { ($expected{$_} // 0) < 2 } sort(keys %code, keys %$ahead) ],
     'every code is expected by two texts and more');

cmp_ok(keys %$brands, '>=', 20, scalar(keys %$brands) . ' brands');
none([ map { brand_faults($_) } sort keys %$brands ], 'every brand is what it says');

my %kind = map { $_->{owner_kind} => 1 } values %$brands;
is_deeply([ sort keys %kind ], [ sort keys %{ $word{owner_kind} } ], 'every kind of owner');
my %used = map { $_->{brand} => 1 } @rows;
none([ grep { !$used{$_} } sort keys %$brands ], 'every brand writes');

# the checks that this file rests on can fail
ok(tckn('10000000146') && !tckn('10000000147') && !tckn('01234567890'), 'TCKN');
ok(vkn('4540536920') && vkn('1234567890') && !vkn('4540536921'), 'VKN');
is(scalar faults({ %{ $rows[0] }, tempting => [], expect => [ 'no-such-code' ] }), 1, 'a wrong code is seen');
is(scalar faults({ %{ $rows[0] }, brand => 'nobody' }), 1, 'a wrong brand is seen');

done_testing;


# the words that the code itself takes
sub words {
    my ($name) = @_;

    if ($name eq 'owner_kind') {
        my ($list) = content('sql/002_account.sql') =~ /owner_kind\s+in\s*\((.*?)\)/s;
        return { map { $_ => 1 } 'unknown', ($list // '') =~ /'(\w+)'/g };
    }

    my ($table) = code('ngx_sms_module/domain/sms_word.c')
                  =~ /sms_word_$name\[\] = \{(.*?)\{ NULL/s;
    return { map { $_ => 1 } ($table // '') =~ /\{ "(\w+)"/g };
}


sub faults {
    my ($row) = @_;

    my ($class, $text) = ($row->{class} // '', $row->{text} // '');
    my @expect = ref $row->{expect} eq 'ARRAY' ? @{ $row->{expect} } : ();
    my @tempting = @{ $row->{tempting} // [] };
    my %known = map { $_ => 1 } @fields;
    my %seen;
    my @found;

    push @found, "a field $_" for grep { !$known{$_} } sort keys %$row;
    push @found, 'the id' if ($row->{id} // '') !~ /^$letter{$class}-\d{3}$/;
    push @found, 'no expect' unless ref $row->{expect} eq 'ARRAY';
    push @found, "the code $_" for grep { !$code{$_} && !$ahead->{$_} } @expect;
    push @found, "$_ twice" for grep { $seen{$_}++ } @expect;
    push @found, 'the brand' unless $brands->{ $row->{brand} // '' };
    push @found, 'the sender' if ($row->{sender} // '') !~ /^(?=.*[A-Z])[A-Z0-9]{3,11}$/;
    push @found, 'no note' if length($row->{note} // '') < 10;
    push @found, 'the text' if $text eq '' || length $text > 900 || $text ne NFC($text);
    push @found, 'tempting, but not lawful' if @tempting && @expect;
    push @found, "no \"$_\" in it" for grep { index(plain($text), plain($_)) < 0 } @tempting;
    push @found, 'the basis'
        if $class eq 'informational' ? !$word{basis}{ $row->{basis} // '' }
                                     : defined $row->{basis};
    push @found, 'the exemption'
        if $class eq 'exempt' ? !$word{exemption}{ $row->{exemption} // '' }
                              : exists $row->{exemption};

    return map { "$row->{id}: $_" } @found;
}


# one form for comparing: no dots, no accents, upper case
sub plain {
    my ($text) = @_;

    $text =~ tr/ıİ/iI/;
    return uc NFD($text) =~ s/\p{Mn}//gr;
}


sub twice {
    my ($field) = @_;

    my %seen;
    return grep { $seen{$_}++ } map { $_->{$field} // '' } @rows;
}


sub brand_faults {
    my ($key) = @_;

    my $brand = $brands->{$key};
    my ($kind, $mersis) = @$brand{qw(owner_kind mersis)};
    my @found;

    push @found, "no $_" for grep { !defined $brand->{$_} } qw(owner_kind name title mersis vkn
        tckn registry_no reject_keyword reject_number reject_free contact domains behalf_of);
    push @found, 'the TCKN' if $brand->{tckn} ne '' && !tckn($brand->{tckn});
    push @found, 'the VKN' if $brand->{vkn} ne '' && !vkn($brand->{vkn});
    push @found, 'the MERSİS number'
        if $mersis ne ''
           && $mersis !~ ($brand->{vkn} ne '' ? qr/^0\Q$brand->{vkn}\E\d{5}$/
                                              : qr/^\Q$brand->{tckn}\E\d{5}$/);
    push @found, 'a merchant without a MERSİS number' if $kind eq 'tacir' && $mersis eq '';
    push @found, 'a tradesman without a TCKN' if $kind eq 'esnaf' && $brand->{tckn} eq '';
    push @found, 'no registry number'
        if $kind =~ /^(?:profession|association|foreign|public)$/ && $brand->{registry_no} eq '';
    push @found, 'the principal' if $brand->{behalf_of} ne '' && !$brands->{ $brand->{behalf_of} };
    push @found, 'a keyword without a number'
        if ($brand->{reject_keyword} eq '') != ($brand->{reject_number} eq '');
    push @found, "the domain $_"
        for grep { !/^[a-z0-9]+(?:\.[a-z0-9]+)+$/ } @{ $brand->{domains} };

    return map { "$key: $_" } @found;
}


sub tckn {
    my ($number) = @_;

    return 0 if $number !~ /^[1-9]\d{10}$/;
    my @d = split //, $number;
    return ($d[9] == (sum(@d[0, 2, 4, 6, 8]) * 7 - sum(@d[1, 3, 5, 7])) % 10)
        && ($d[10] == sum(@d[0 .. 9]) % 10);
}


sub vkn {
    my ($number) = @_;

    return 0 if $number !~ /^\d{10}$/;
    my @d = split //, $number;
    my $sum = 0;

    for my $i (1 .. 9) {
        my $a = ($d[$i - 1] + 10 - $i) % 10;
        $sum += $a == 9 ? 9 : $a * 2 ** (10 - $i) % 9;
    }

    return $d[9] == (10 - $sum % 10) % 10;
}
