#!/usr/bin/perl

# docs/openapi.yaml is well formed and says what the server does: each operation is
# called, and its status, headers and body are held against the document.  A member
# or header that the document does not know fails as well.  (What the tables of the
# code say is compared in t/docs_openapi.t.)
#
# limit: 600

use strict;
use warnings;
use utf8;

use B ();
use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use YAML::XS ();

use SMS::Account;
use SMS::Nginx;
use SMS::Pg;
use SMS::Source;
use SMS::Tap;

binmode $_, ':utf8' for Test::More->builder->output, Test::More->builder->failure_output;

$YAML::XS::Boolean = 'JSON::PP';
my $doc = YAML::XS::LoadFile(root() . '/docs/openapi.yaml');
my %operation;          # operationId => { method, path, … of the document }
my %seen;               # "operationId status" => how often it was answered

lint();
live();
done_testing;


# ---- JSON schema 2020-12, the part that the document uses ---------------------

sub kind {
    my ($value) = @_;

    return 'null' unless defined $value;
    return 'boolean' if JSON::PP::is_bool($value);
    return ref $value eq 'HASH' ? 'object' : 'array' if ref $value;

    my $flags = B::svref_2object(\$value)->FLAGS;
    return 'string' unless $flags & (B::SVp_IOK | B::SVp_NOK);
    return $value =~ /^-?\d+\z/ ? 'integer' : 'number';
}


sub pointed {
    my ($ref) = @_;
    my $node = $doc;

    return unless $ref =~ s{^#/}{};
    for my $step (split m{/}, $ref) {
        $node = ref $node eq 'HASH' ? $node->{$step} : undef;
    }
    return $node;
}


sub deref {
    my ($node) = @_;

    $node = pointed($node->{'$ref'}) while ref $node eq 'HASH' && $node->{'$ref'};
    return $node;
}


# List of faults.  $known collects what of each object a schema has named.
sub faults {
    my ($schema, $value, $at, $known) = @_;
    my $kind = kind($value);
    my @bad;

    push @bad, faults(pointed($schema->{'$ref'}), $value, $at, $known) if $schema->{'$ref'};

    if (my $type = $schema->{type}) {
        my @types = ref $type ? @$type : $type;
        push @bad, "$at: $kind instead of @types"
            unless grep { $_ eq $kind || $_ eq 'number' && $kind eq 'integer' } @types;
    }

    if ($schema->{enum}) {
        push @bad, "$at: " . shown($value) . ' is not one of the enum'
            unless grep { same($_, $value) } @{ $schema->{enum} };
    }

    push @bad, "$at: " . shown($value) . ' is not ' . shown($schema->{const})
        if exists $schema->{const} && !same($schema->{const}, $value);

    if ($kind eq 'string') {
        my $n = length $value;
        push @bad, "$at: too short" if $n < ($schema->{minLength} // 0);
        push @bad, "$at: too long" if $n > ($schema->{maxLength} // $n);
        push @bad, "$at: '$value' does not match $schema->{pattern}"
            if defined $schema->{pattern} && $value !~ /$schema->{pattern}/;
    }

    if ($kind eq 'integer' || $kind eq 'number') {
        push @bad, "$at: $value is too small" if $value < ($schema->{minimum} // $value);
        push @bad, "$at: $value is too large" if $value > ($schema->{maximum} // $value);
    }

    if ($kind eq 'array') {
        my $n = @$value;
        push @bad, "$at: too few items" if $n < ($schema->{minItems} // 0);
        push @bad, "$at: too many items" if $n > ($schema->{maxItems} // $n);
        if ($schema->{items}) {
            push @bad, faults($schema->{items}, $value->[$_], "$at/$_", $known) for 0 .. $n - 1;
        }
    }

    push @bad, object_faults($schema, $value, $at, $known) if $kind eq 'object';

    push @bad, map { faults($_, $value, $at, $known) } @{ $schema->{allOf} // [] };

    for my $some (grep { $schema->{$_} } qw(anyOf oneOf)) {
        my $n = grep { fits($_, $value, $at, $known) } @{ $schema->{$some} };
        push @bad, "$at: fits $n of $some" if $n == 0 || $some eq 'oneOf' && $n > 1;
    }

    push @bad, "$at: is what it must not be"
        if $schema->{not} && fits($schema->{not}, $value, $at, {});

    if ($schema->{if}) {
        my $way = fits($schema->{if}, $value, $at, {}) ? 'then' : 'else';
        push @bad, faults($schema->{$way}, $value, $at, $known) if $schema->{$way};
    }

    return @bad;
}


sub object_faults {
    my ($schema, $value, $at, $known) = @_;
    my @bad;

    push @bad, map { "$at: $_ is missing" }
               grep { !exists $value->{$_} } @{ $schema->{required} // [] };

    for my $name (sort keys %$value) {
        push @bad, faults($schema->{propertyNames}, $name, "$at/$name", {})
            if $schema->{propertyNames};

        my $member = $schema->{properties}{$name};
        my $more = $schema->{additionalProperties};

        if ($member) {
            $known->{"$at/$name"} = 1;
            push @bad, faults($member, $value->{$name}, "$at/$name", $known);
        } elsif (ref $more eq 'HASH') {
            $known->{"$at/$name"} = 1;
            push @bad, faults($more, $value->{$name}, "$at/$name", $known);
        } elsif (defined $more && !$more) {
            push @bad, "$at: $name is not allowed";
        }
    }

    return @bad;
}


sub fits {
    my ($schema, $value, $at, $known) = @_;
    my %here;

    return 0 if faults($schema, $value, $at, \%here);
    @$known{keys %here} = values %here;
    return 1;
}


sub same {
    my ($one, $two) = @_;

    my ($a, $b) = (kind($one), kind($two));
    return 0 if $a ne $b;
    return $a eq 'null' || $one eq $two;
}


sub shown { return JSON::PP->new->allow_nonref->canonical->encode($_[0]) }


# members of objects that no schema has named
sub unknown {
    my ($value, $at, $known) = @_;

    return map { unknown($value->[$_], "$at/$_", $known) } 0 .. $#$value
        if ref $value eq 'ARRAY';
    return unless ref $value eq 'HASH';
    return map { ($known->{"$at/$_"} ? () : "$at/$_: not documented"),
                 unknown($value->{$_}, "$at/$_", $known) } sort keys %$value;
}


# all faults of an answer or example, undocumented members among them
sub strict {
    my ($schema, $value) = @_;
    my %known;

    my @bad = faults($schema, $value, '', \%known);
    return @bad ? @bad : unknown($value, '', \%known);
}


# ---- the document itself ------------------------------------------------------

sub lint {
    my %keys = (
        top       => [qw(openapi info servers tags security paths components)],
        path      => [qw(get post put patch delete parameters)],
        operation => [qw(operationId tags summary description security parameters
                         requestBody responses)],
        response  => [qw(description headers content)],
        media     => [qw(schema examples)],
        parameter => [qw(name in required description schema example)],
        header    => [qw(description required schema example)],
        schema    => [qw(type enum const required properties additionalProperties
                         propertyNames items minItems maxItems minLength maxLength pattern
                         minimum maximum oneOf anyOf allOf not if then else $ref
                         description default examples x-status)],
    );
    my @bad;
    my $only = sub {
        my ($what, $node, $at) = @_;
        my %ok = map { $_ => 1 } @{ $keys{$what} };
        push @bad, map { "$at: $_ has no place in a $what" }
                   grep { !$ok{$_} } sort keys %$node;
    };
    my $schema;
    $schema = sub {
        my ($node, $at) = @_;
        $only->('schema', $node, $at);
        $schema->($node->{properties}{$_}, "$at/$_") for sort keys %{ $node->{properties} // {} };
        for my $key (grep { ref $node->{$_} eq 'HASH' }
                     qw(items additionalProperties propertyNames not if then else)) {
            $schema->($node->{$key}, "$at/$key");
        }
        for my $key (grep { $node->{$_} } qw(oneOf anyOf allOf)) {
            $schema->($_, "$at/$key") for @{ $node->{$key} };
        }
        my $pattern = $node->{pattern};
        push @bad, "$at: no regular expression" if defined $pattern && !eval { qr/$pattern/ };
        # one that is not described would be taken for a typo by strict()
        push @bad, "$at: required but not among the properties: $_"
            for $node->{properties} && $node->{type}
                ? grep { !$node->{properties}{$_} } @{ $node->{required} // [] } : ();
    };
    my $content = sub {
        my ($node, $at) = @_;
        for my $type (sort keys %{ $node // {} }) {
            my $media = $node->{$type};
            $only->('media', $media, "$at $type");
            $schema->($media->{schema}, "$at $type");
            push @bad, "$at $type: no example" unless %{ $media->{examples} // {} };
            for my $name (sort keys %{ $media->{examples} // {} }) {
                my $example = deref($media->{examples}{$name});
                push @bad, map { "$at $type $name: $_" }
                           strict($media->{schema}, $example->{value});
            }
        }
    };
    my $response = sub {
        my ($node, $at) = @_;
        $only->('response', $node, $at);
        push @bad, "$at: no description" unless length($node->{description} // '');
        for my $name (sort keys %{ $node->{headers} // {} }) {
            my $header = deref($node->{headers}{$name}) // next;
            $only->('header', $header, "$at $name");
        }
        $content->($node->{content}, $at);
    };

    $only->('top', $doc, 'document');
    like($doc->{openapi}, qr/^3\.1\.\d+$/, 'an OpenAPI 3.1 document');

    my %used;
    my $walk;
    $walk = sub {
        my ($node, $at) = @_;
        if (ref $node eq 'ARRAY') {
            $walk->($node->[$_], "$at/$_") for 0 .. $#$node;
        } elsif (ref $node eq 'HASH') {
            if (defined(my $ref = $node->{'$ref'})) {
                push @bad, "$at: $ref points nowhere" unless pointed($ref);
                $used{$ref}++;
            }
            $walk->($node->{$_}, "$at/$_") for sort keys %$node;
        }
    };
    $walk->($doc, '');

    my $components = $doc->{components};
    for my $group (grep { $_ ne 'securitySchemes' } sort keys %$components) {
        push @bad, map { "components/$group/$_ is used nowhere" }
                   grep { !$used{"#/components/$group/$_"} && $_ ne 'MethodNotAllowed' }
                   sort keys %{ $components->{$group} };
    }
    $schema->($components->{schemas}{$_}, "schema $_") for sort keys %{ $components->{schemas} };
    $response->($components->{responses}{$_}, "response $_")
        for sort keys %{ $components->{responses} };

    for my $kind (qw(parameters headers)) {
        for my $name (sort keys %{ $components->{$kind} }) {
            my $node = $components->{$kind}{$name};
            $only->($kind eq 'headers' ? 'header' : 'parameter', $node, "$kind $name");
            $schema->($node->{schema}, "$kind $name");
            push @bad, map { "$kind $name: $_" } faults($node->{schema}, $node->{example}, '', {})
                if exists $node->{example};
        }
    }

    my %tag = map { $_->{name} => 1 } @{ $doc->{tags} };

    for my $path (sort keys %{ $doc->{paths} }) {
        my $item = $doc->{paths}{$path};
        $only->('path', $item, $path);

        for my $method (grep { ref $item->{$_} eq 'HASH' } sort keys %$item) {
            my $op = $item->{$method};
            my $at = "$method $path";
            my $id = $op->{operationId} // '';
            my @parameters = map { deref($_) }
                             @{ $item->{parameters} // [] }, @{ $op->{parameters} // [] };

            $only->('operation', $op, $at);
            push @bad, "$at: no summary" unless $op->{summary};
            push @bad, "$at: operationId is missing or used twice" if !$id || $operation{$id};
            push @bad, "$at: security is not said" unless $op->{security};
            push @bad, map { "$at: tag $_ is not listed" } grep { !$tag{$_} } @{ $op->{tags} };
            push @bad, "$at: its path parameters differ"
                if "@{[ sort map { $_->{name} } grep { $_->{in} eq 'path' } @parameters ]}"
                   ne "@{[ sort $path =~ /\{(\w+)\}/g ]}";
            push @bad, "$at: no success is described"
                unless grep { /^2/ } keys %{ $op->{responses} };
            $content->($op->{requestBody}{content}, "$at request") if $op->{requestBody};

            for my $status (sort keys %{ $op->{responses} }) {
                my $answer = deref($op->{responses}{$status});
                $response->($answer, "$at $status");
                push @bad, problem_faults($answer, $status, "$at $status");
            }

            $operation{$id} = { %$op, method => uc $method, path => $path };
        }
    }

    none(\@bad, 'no fault in docs/openapi.yaml');
    ok(faults($components->{schemas}{Money}, { amount_micro => '1', unit => 'EUR' }, '', {}),
       'the validator sees what is wrong');
    return;
}


# codes that a problem response names, in words or example, have its status
sub problem_faults {
    my ($answer, $status, $at) = @_;
    my $of = $doc->{components}{schemas}{ProblemCode}{'x-status'};
    my $media = $answer->{content}{'application/problem+json'} // return;
    my @codes = grep { $of->{$_} } $answer->{description} =~ /`([a-z0-9-]+)`/g;

    push @codes, map { deref($_)->{value}{code} } values %{ $media->{examples} };
    return "$at: names no code" unless @codes;
    return map { "$at: $_ has status $of->{$_}" } grep { $of->{$_} ne $status } @codes;
}


# ---- the document and the server ----------------------------------------------

my ($pg, $account, $nginx);

# Holds an answer against an operation; returns its JSON.
sub holds {
    my ($id, $r, $status, $code, $name) = @_;
    my $op = $operation{$id};
    my $answer = $id eq '' ? deref($doc->{components}{responses}{MethodNotAllowed})
                           : deref($op->{responses}{ $r->status } // {});
    my @bad;

    $name //= "$id $status" . ($code ? " $code" : '');
    $seen{"$id " . $r->status}++;
    push @bad, 'status ' . $r->status . " instead of $status" if $r->status != $status;
    push @bad, 'this status is not documented' unless $answer->{description};

    my ($type, $more) = split /;\s*/, $r->header('content-type') // '', 2;
    my $media = $answer->{content}{$type};
    push @bad, "content type $type is not documented" unless $media;
    push @bad, 'charset is missing' if $type =~ /json/ && ($more // '') ne 'charset=utf-8';

    my %told = %{ $answer->{headers} // {} };
    for my $header (sort keys %told) {
        my $spec = deref($told{$header});
        my $value = $r->header($header);
        push @bad, "header $header is missing" if $spec->{required} && !defined $value;
        push @bad, map { "header $header$_" } faults($spec->{schema}, "$value", '', {})
            if defined $value;
    }
    my %standard = map { $_ => 1 } qw(server date content-type content-length connection
                                      transfer-encoding);
    my %documented = map { lc($_) => 1 } keys %told;
    push @bad, map { "header $_ is not documented" }
               grep { !$standard{$_} && !$documented{$_} } sort keys %{ $r->{headers} };

    my $body = $type =~ /json/ ? $r->json : $r->body;
    push @bad, 'the body is no JSON' unless defined $body;
    push @bad, strict($media->{schema}, $body) if $media && defined $body;

    if ($code && ref $body eq 'HASH') {
        push @bad, "code $body->{code} instead of $code" if ($body->{code} // '') ne $code;
        push @bad, 'status in the body differs' if ($body->{status} // 0) != $r->status;
        push @bad, 'type and code differ' if ($body->{type} // '') !~ /:\Q$body->{code}\E$/;
    }

    ok(!@bad, $name) or diag(map({ "  $_\n" } @bad), $r->text);
    return $body;
}


sub live {
    $pg = SMS::Pg->new(own => 1);
    $account = SMS::Account->new($pg, operators => ['sim']);
    $pg->do(q{select sms.tariff_set(1, '90', c, 120000)
                from unnest(array['otp', 'informational', 'commercial', 'exempt']) c});

    $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf(
        extra => 'sms_plugin billing prepaid billing_prepaid.so { grant db; }'
                 . 'sms_plugin rule content rule_content.so { }',
        http => <<'EOC'));
server {
    listen 127.0.0.1:%%PORT_1%%;
    location /v1/ { sms_api; sms_rate rate=60r/m burst=2; }
}
EOC
    $nginx->start;
    ok($nginx->ready('/health'), 'ready') or return;

    my %one = (class => 'informational', sender => 'ORNEK', text => 'Kargonuz yolda.',
               to => ['05321112233']);
    # the tariff is read a moment after the start
    ok(wait_until { $account->post($nginx, '/v1/messages:preview', \%one)->status == 200 }
           slow(10), 'priced') or return;

    send_and_see(%one);
    refusals(%one);
    callers(%one);
    service();
    coverage();
    return;
}


sub send_and_see {
    my (%one) = @_;
    my $request = $doc->{components}{schemas}{SendRequest};
    my %body = (%one, basis => 'order_delivery', reference => 'run-7',
                to => ['0532 111 22 33', '123', '05321112233', '+90 532 111 00 01']);
    my %key = (headers => { 'Idempotency-Key' => 'order-1', 'X-Request-Id' => 'my-call.1' });
    my $r = $account->post($nginx, '/v1/messages', \%body, %key);

    is_deeply([ faults($request, \%body, '', {}) ], [], 'the request is as documented');
    my $sent = holds('sendMessages', $r, 202);
    is($r->header('x-request-id'), 'my-call.1', 'the request id comes back');
    is($sent->{price}{amount_micro}, 240000, 'price of two');

    my $again = $account->post($nginx, '/v1/messages', \%body, %key);
    holds('sendMessages', $again, 202, undef, 'replayed');
    is($again->header('idempotency-replayed'), 'true', 'and told so');
    is($again->body, $r->body, 'byte for byte');
    holds('sendMessages', $account->post($nginx, '/v1/messages', { %body, text => 'x' }, %key),
          422, 'idempotency-key-reused');

    my ($good, $bad) = map { $sent->{messages}[$_]{id} } 0, 1;
    $account->wait_state($nginx, $good, qr/^delivered$/);
    $account->wait_state($nginx, $bad, qr/^undelivered$/);

    is(holds('getMessage', $account->get($nginx, "/v1/messages/$good"), 200)->{state},
       'delivered', 'delivered');
    is(holds('getMessage', $account->get($nginx, "/v1/messages/$bad"), 200)->{refunded}{amount_micro},
       120000, 'undelivered, refunded');
    holds('explainMessage', $account->get($nginx, "/v1/messages/$_/explain"), 200) for $good, $bad;
    holds('getSubmission', $account->get($nginx, "/v1/submissions/$sent->{submission_id}"), 200);
    holds('cancelMessage', $account->delete($nginx, "/v1/messages/$good"), 409, 'already-submitted');
    holds('cancelSubmission', $account->delete($nginx, "/v1/submissions/$sent->{submission_id}"),
          409, 'already-submitted');

    # a campaign of tomorrow, each with a text, taken back one by one
    my $text = 'KAMPANYA: 31.12.2026 tarihine kadar tüm ürünlerde %20 indirim, koşullar '
             . 'ornek.com.tr/k Örnek Mağazacılık A.Ş. Mersis 0015001526400497 Tel 02121234567 '
             . "Ret için ORNEK RET yazıp 4605'e ücretsiz gönderin";
    my %campaign = (class => 'commercial', recipient_type => 'BIREYSEL', sender => 'ORNEK',
        brand => $account->brand_id, validity_s => 3600, encoding => 'auto', confirm => ['x'],
        schedule_at => rfc3339(time + 86400),
        messages => [ { to => '05321112233', text => $text, reference => 'r-1' },
                      { to => '05321112234', text => $text, recipient_type => 'TACIR' },
                      { to => '05321112235', text => 'Büyük indirim' } ]);
    is_deeply([ faults($request, \%campaign, '', {}) ], [], 'a campaign as documented');
    my $later = holds('sendMessages', $account->post($nginx, '/v1/messages', \%campaign), 202,
                      undef, 'a campaign');
    is($later->{rejected}[0]{code}, 'content-refused', 'one of its texts breaks rules');
    cmp_ok(scalar @{ $later->{findings} }, '>', 0, 'which are told');
    holds('getMessage', $account->get($nginx, "/v1/messages/$later->{messages}[0]{id}"), 200);
    holds('cancelMessage', $account->delete($nginx, "/v1/messages/$later->{messages}[0]{id}"), 200);
    holds('cancelSubmission', $account->delete($nginx, "/v1/submissions/$later->{submission_id}"), 200);
    holds('getSubmission', $account->get($nginx, "/v1/submissions/$later->{submission_id}"), 200);
    holds('explainMessage', $account->get($nginx, "/v1/messages/$later->{messages}[1]{id}/explain"), 200);

    # one with consent goes through screen
    $pg->do(q{select sms.consent_put(array[?::bigint], array[?::bigint], array[1::smallint],
        array[905321112236], array[1::smallint], array[now()], sms.id_new(), 'status')},
        $account->id, $account->brand);
    my %now = (class => 'commercial', recipient_type => 'BIREYSEL', sender => 'ORNEK',
               text => $text, to => ['05321112236']);
    my $now = holds('sendMessages', $account->post($nginx, '/v1/messages', \%now), 202, undef,
                    'a campaign to one who has consented');
    $account->wait_state($nginx, $now->{messages}[0]{id}, qr/^delivered$/);
    my $why = holds('explainMessage',
        $account->get($nginx, "/v1/messages/$now->{messages}[0]{id}/explain"), 200);
    is($why->{consent}{state}, 'granted', 'with the consent it rests on') or diag(shown($why));
    my $broken = holds('sendMessages', $account->post($nginx, '/v1/messages',
        { %now, text => 'Büyük indirim' }), 422, 'content-refused');
    cmp_ok(scalar @{ $broken->{findings} }, '>', 1, 'with each finding');

    my %otp = (class => 'otp', sender => 'ORNEK', text => 'Kod 481516', to => ['05321112233'],
               validity_s => 30, sim_trusted_since => '2026-01-01T00:00:00+03:00');
    is_deeply([ faults($request, \%otp, '', {}) ], [], 'a code as documented');
    my $code = holds('sendMessages', $account->post($nginx, '/v1/messages', \%otp,
                     key => $account->test_key), 202, undef, 'a code, in the sandbox');
    is($code->{price}{amount_micro}, 0, 'which costs nothing');
    $account->wait_state($nginx, $code->{messages}[0]{id}, qr/^delivered$/);
    my $story = holds('explainMessage',
        $account->get($nginx, "/v1/messages/$code->{messages}[0]{id}/explain"), 200);
    unlike($story->{text} // '', qr/\d/, 'whose digits nobody sees');

    holds('previewMessages', $account->post($nginx, '/v1/messages:preview', \%campaign), 200);
    my $bad_preview = holds('previewMessages', $account->post($nginx, '/v1/messages:preview',
        { %one, to => ['123', '456'] }), 200, undef, 'a preview of what would be refused');
    is($bad_preview->{problem}{code}, 'invalid-number', 'with its problem');
    is($bad_preview->{counts}{'invalid-number'}, 2, 'and its count');

    holds('getBalance', $account->get($nginx, '/v1/balance'), 200);
    return;
}


# an account without brand and funds
sub another {
    my $self = bless { pg => $pg, id => $pg->value(q{select sms.account_create('Başka')}) },
               'SMS::Account';

    $pg->do('select sms.sender_create(?, ?, null, ?)', $self->id, 'BASKA',
            [ 'otp', 'informational' ]);
    $pg->do('select sms.sender_approve(?, ?, ?)', $self->id, 'BASKA', 'sim');
    $self->{key} = $self->key('live', waived => 'test');
    return $self;
}


sub rfc3339 {
    my ($time) = @_;
    my @t = gmtime $time;

    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}


# What is wrong with a body, by the server and, where it can tell, by the schema.
sub refusals {
    my (%one) = @_;
    my $request = $doc->{components}{schemas}{SendRequest};
    my %without = %one;
    delete $without{class};
    my @cases = (
        # status, code, does the schema refuse it too?, body
        [ 422, 'missing-class', 1, \%without ],
        [ 400, 'unknown-field', 1, { %one, recipient => 'x' } ],
        [ 400, 'invalid-field', 1, { %one, class => 'promo' } ],
        [ 400, 'invalid-field', 1, { %one, to => [] } ],
        [ 400, 'invalid-field', 1, { %one, text => '' } ],
        [ 400, 'invalid-field', 1, { %one, to => [905321112233] } ],
        [ 400, 'invalid-field', 1, { %one, validity_s => 59 } ],
        [ 400, 'invalid-field', 1, { %one, validity_s => 172801 } ],
        [ 400, 'invalid-field', 1, { %one, validity_s => '60' } ],
        [ 400, 'invalid-field', 1, { %one, encoding => 'utf-8' } ],
        [ 400, 'invalid-field', 1, { %one, schedule_at => '2030-01-01 10:00' } ],
        [ 400, 'invalid-field', 1, { %one, reference => 'x' x 65 } ],
        [ 400, 'invalid-field', 1, { %one, recipient_type => 'TACIR' } ],
        [ 400, 'invalid-field', 1, { %one, confirm => [ ('x') x 33 ] } ],
        [ 400, 'invalid-field', 1, { %one, sim_trusted_since => '2026-01-01T00:00:00Z' } ],
        [ 400, 'invalid-field', 1, { %one, messages => [ { to => '05321112233', text => 'x' } ] } ],
        [ 400, 'invalid-field', 0, { %one, schedule_at => rfc3339(time + 400 * 86400) } ],
        [ 400, 'invalid-id', 1, { %one, brand => 'brd_1' } ],
        [ 400, 'missing-field', 1, { %one, class => 'exempt' } ],
        [ 422, 'exemption-not-granted', 0,
          { %one, class => 'exempt', exemption => 'school', audience => 'a' } ],
        [ 422, 'missing-recipient-type', 1, { %one, class => 'commercial' } ],
        [ 422, 'too-many-recipients', 1, { %one, to => [ map { "0532111$_" } 1000 .. 2000 ] } ],
        [ 422, 'unknown-sender', 0, { %one, sender => 'BASKA' } ],
        [ 422, 'invalid-number', 0, { %one, to => ['123'] } ],
        [ 422, 'no-recipient-accepted', 0, { %one, to => [ '123', '+4915112345678' ] } ],
        [ 422, 'schedule-in-past', 0, { %one, schedule_at => '2020-01-01T00:00:00Z' } ],
        [ 422, 'text-too-long', 0, { %one, text => 'x' x 2000 } ],
        [ 422, 'text-too-long', 1, { %one, text => 'x' x 8193 } ],
        [ 422, 'text-not-encodable', 0, { %one, text => 'ş', encoding => 'gsm7' } ],
        [ 422, 'text-not-encodable', 0, { %one, text => "a\x01" } ],
        [ 422, 'otp-one-part', 0, { %one, class => 'otp', text => 'x' x 200 } ],
        [ 422, 'otp-one-recipient', 1,
          { %one, class => 'otp', to => [ '05321112233', '05321112234' ] } ],
        [ 422, 'otp-not-schedulable', 1,
          { %one, class => 'otp', schedule_at => rfc3339(time + 60) } ],
        [ 422, 'no-tariff', 0, { %one, to => ['+4915112345678'] } ],
    );

    for my $case (@cases) {
        my ($status, $code, $refused, $body) = @$case;
        # written once before it is sent: a number printed in Perl turns into text
        my $bytes = JSON::PP->new->utf8->canonical->encode($body);
        my $r = $account->post($nginx, '/v1/messages', $bytes);

        holds('sendMessages', $r, $status, $code);
        is(scalar(@{[ faults($request, JSON::PP::decode_json($bytes), '', {}) ]}) ? 1 : 0, $refused,
           "$code: the schema " . ($refused ? 'refuses it too' : 'cannot know'));
    }

    $pg->do('select sms.blacklist_add(?, 905321112239, ?, ?)', $account->id, 'all', 'test');
    holds('sendMessages', $account->post($nginx, '/v1/messages', { %one, to => ['05321112239'] }),
          422, 'blacklisted');

    for my $id (qw(sendMessages previewMessages)) {
        my $path = $operation{$id}{path};
        my %auth = (headers => { Authorization => "Bearer $account->{key}" });

        holds($id, $account->post($nginx, $path, @$_[1 .. $#$_]), 400, $_->[0])
            for [ 'invalid-json', '{"class":' ], [ 'duplicate-key', '{"a":1,"a":2}' ],
                [ 'invalid-utf8', "{\"a\":\"\xff\"}" ], [ 'empty-body', '' ],
                [ 'invalid-field', '[]' ],
                [ 'invalid-request-id', \%one, headers => { 'X-Request-Id' => 'a b' } ];
        holds($id, $account->post($nginx, $path, ' ' x 3_000_000), 413, 'body-too-large');
        holds($id, $account->post($nginx, $path, 'a=b', headers => {
              'Content-Type' => 'application/x-www-form-urlencoded' }), 415,
              'unsupported-media-type');
        holds($id, $nginx->http->post($path, \%one), 401, 'missing-key');
    }
    holds('sendMessages', $account->post($nginx, '/v1/messages', \%one,
          headers => { 'Idempotency-Key' => 'x' x 256 }), 400, 'invalid-idempotency-key');

    my $poor = another();
    holds('sendMessages', $poor->post($nginx, '/v1/messages', { %one, sender => 'BASKA' }),
          402, 'insufficient-credit');

    my $english = $account->post($nginx, '/v1/messages', {},
                                 headers => { 'Accept-Language' => 'en-GB, tr' });
    like($english->json->{title}, qr/^The class of the message/, 'in English when asked');
    return;
}


# Keys, and what is not there, for every operation that can answer so.
sub callers {
    my (%one) = @_;
    my $closed = another();
    $pg->do('select sms.account_state(?, ?)', $closed->id, 'closed');
    my $narrow = $account->key('live', ip => ['192.0.2.0/24']);
    my $wrong = SMS::Account::make_key('live');
    my %id = (MessageId => 'msg_01m8554rhhe01b3nv4cpy36vc8',
              SubmissionId => 'sub_01m8554rhhe00b7djmb8qjb88x');

    for my $op (sort { $a cmp $b } grep { @{ $operation{$_}{security} } } keys %operation) {
        my ($method, $path) = @{ $operation{$op} }{qw(method path)};
        my $well = $path =~ s/\{id\}/$path =~ m{submissions} ? $id{SubmissionId} : $id{MessageId}/er;
        my ($scope) = map { @{ $_->{key} } } @{ $operation{$op}{security} };
        my $other = $scope eq 'balance:read' ? 'messages:read' : 'balance:read';
        my $unscoped = $account->key('live', waived => 'test', scopes => [$other]);
        my $ask = sub {
            my ($key, $to, $http) = @_;
            return ($http // $nginx->http)->request($method, $to // $well,
                headers => { defined $key ? (Authorization => "Bearer $key") : () },
                $method eq 'POST' ? (json => \%one) : ());
        };

        holds($op, $ask->(undef), 401, 'missing-key');
        holds($op, $ask->('sms_live_x'), 401, 'invalid-key', "$op malformed key");
        holds($op, $ask->($wrong), 401, 'invalid-key');
        holds($op, $ask->($narrow), 403, 'ip-not-allowed');
        holds($op, $ask->($unscoped), 403, 'insufficient-scope');
        holds($op, $ask->($closed->{key}), 403, 'account-not-active');

        if ($path =~ /\{id\}/) {
            holds($op, $ask->($account->{key}), 404, 'not-found');
            holds($op, $ask->($account->{key}, $path =~ s/\{id\}/msg_1/r), 400, 'invalid-id');
        }

        # a key of its own, whose bucket is soon empty
        my $eager = $account->key('live', waived => 'test', scopes => [$scope]);
        my $r;
        for (1 .. 5) {
            $r = $ask->($eager, undef, SMS::Http->new(port => $nginx->port(1)));
            ok(defined $r->header('ratelimit'), "$op tells the limit") if $_ == 1;
            last if $r->status == 429;
        }
        holds($op, $r, 429, 'rate-limited');
    }

    my $r = $account->get($nginx, '/v1/messages');
    holds('', $r, 405, 'method-not-allowed', '405 anywhere');
    is($r->header('allow'), 'POST', 'with the methods that are there');
    is($account->get($nginx, '/v1/nothing')->json->{code}, 'not-found', '404 anywhere');
    return;
}


sub service {
    holds('getVersion', $nginx->http->get('/v1/version'), 200);
    holds($_, $nginx->http->get($operation{$_}{path}, headers => { 'X-Request-Id' => '' }),
          400, 'invalid-request-id') for qw(getVersion);
    holds('getBalance', $account->get($nginx, '/v1/balance', headers => {
          Authorization => "Bearer $account->{key}", 'X-Request-Id' => 'a/b' }),
          400, 'invalid-request-id');
    holds('getHealth', $nginx->http->get('/health'), 200);
    holds('getMetrics', $nginx->http->get('/metrics'), 200);

    $pg->stop('immediate');
    wait_until { $nginx->http->get('/health')->status == 503 } slow(10), 'not ready';
    holds('getHealth', $nginx->http->get('/health'), 503);
    holds('getVersion', $nginx->http->get('/v1/version'), 200);

    for my $op (grep { $operation{$_}{method} ne 'POST' && @{ $operation{$_}{security} } }
                sort keys %operation) {
        my $path = $operation{$op}{path}
                   =~ s/\{id\}/msg_01m8554rhhe01b3nv4cpy36vc8/r =~ s/submissions\/msg/submissions\/sub/r;
        my $r = $nginx->http->request($operation{$op}{method}, $path,
                                      headers => { Authorization => "Bearer $account->{key}" });
        holds($op, $r, 503, 'unavailable');
    }
    return;
}


# every documented answer was seen, but for what cannot be had on order
sub coverage {
    my @missing;

    for my $op (sort keys %operation) {
        for my $status (sort keys %{ $operation{$op}{responses} }) {
            next if $seen{"$op $status"} || $status eq '500';
            # needs two requests at the same moment, or a database that hangs
            next if "$op $status" =~ /^(?:sendMessages (?:409|503)|previewMessages 503)$/;
            push @missing, "$op $status";
        }
    }

    none(\@missing, 'every documented answer was seen');
    return;
}
