package SMS::OpenApi;

# docs/openapi.yaml as a test uses it: its schemas (the part of JSON schema 2020-12
# that it has need of), its own faults, and answers of a server held against it.
#
#   my $api = SMS::OpenApi->new;             docs/openapi.yaml, or the file given
#   $api->lint                               tests that the document is well formed
#   $api->holds($id, $r, $status, $code, $name)   tests an SMS::Http answer of the
#                    operation $id ('': any path that has no such method): status,
#                    headers, body, and that nothing undocumented is in it; its JSON
#   $api->covered(qr/…/)                     tests that every documented answer was
#                    held, but for "operation status" that match, and 500
#   $api->faults($schema, $value)            list of what is wrong with it
#   $api->doc  $api->operation($id)  $api->operations  $api->schema($name)
#   $api->path_parameters($id)  $api->example($id)

use strict;
use warnings;

use B ();
use Exporter qw(import);
use JSON::PP ();
use SMS::Source ();
use SMS::Tap qw(root);
use Test::More;
use YAML::XS ();

our @EXPORT_OK = qw(shown);


sub new {
    my ($class, $file) = @_;

    local $YAML::XS::Boolean = 'JSON::PP';
    my $doc = YAML::XS::LoadFile($file // root() . '/docs/openapi.yaml');

    # seen: "operationId status" => how often it was answered
    my $self = bless { doc => $doc, operation => {}, seen => {} }, $class;

    for my $path (sort keys %{ $doc->{paths} }) {
        my $item = $doc->{paths}{$path};
        for my $method (grep { ref $item->{$_} eq 'HASH' } sort keys %$item) {
            $self->{operation}{ $item->{$method}{operationId} // "$method $path" }
                = { %{ $item->{$method} }, method => uc $method, path => $path };
        }
    }

    return $self;
}


sub doc { return $_[0]{doc} }
sub operation { return $_[0]{operation}{$_[1]} }
sub operations { return sort keys %{ $_[0]{operation} } }
sub schema { return $_[0]{doc}{components}{schemas}{$_[1]} }


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
    my ($self, $ref) = @_;
    my $node = $self->{doc};

    return unless $ref =~ s{^#/}{};
    for my $step (split m{/}, $ref) {
        $node = ref $node eq 'HASH' ? $node->{$step} : undef;
    }
    return $node;
}


sub deref {
    my ($self, $node) = @_;

    $node = $self->pointed($node->{'$ref'}) while ref $node eq 'HASH' && $node->{'$ref'};
    return $node;
}


# List of faults.  $known collects what of each object a schema has named.
sub faults {
    my ($self, $schema, $value, $at, $known) = @_;
    my $kind = kind($value);
    my @bad;

    $at //= '';
    $known //= {};

    push @bad, $self->faults($self->pointed($schema->{'$ref'}), $value, $at, $known) if $schema->{'$ref'};

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
            push @bad, $self->faults($schema->{items}, $value->[$_], "$at/$_", $known) for 0 .. $n - 1;
        }
    }

    push @bad, $self->object_faults($schema, $value, $at, $known) if $kind eq 'object';

    push @bad, map { $self->faults($_, $value, $at, $known) } @{ $schema->{allOf} // [] };

    for my $some (grep { $schema->{$_} } qw(anyOf oneOf)) {
        my $n = grep { $self->fits($_, $value, $at, $known) } @{ $schema->{$some} };
        push @bad, "$at: fits $n of $some" if $n == 0 || $some eq 'oneOf' && $n > 1;
    }

    push @bad, "$at: is what it must not be"
        if $schema->{not} && $self->fits($schema->{not}, $value, $at, {});

    if ($schema->{if}) {
        my $way = $self->fits($schema->{if}, $value, $at, {}) ? 'then' : 'else';
        push @bad, $self->faults($schema->{$way}, $value, $at, $known) if $schema->{$way};
    }

    return @bad;
}


sub object_faults {
    my ($self, $schema, $value, $at, $known) = @_;
    my @bad;

    push @bad, map { "$at: $_ is missing" }
               grep { !exists $value->{$_} } @{ $schema->{required} // [] };

    for my $name (sort keys %$value) {
        push @bad, $self->faults($schema->{propertyNames}, $name, "$at/$name", {})
            if $schema->{propertyNames};

        my $member = $schema->{properties}{$name};
        my $more = $schema->{additionalProperties};

        if ($member) {
            $known->{"$at/$name"} = 1;
            push @bad, $self->faults($member, $value->{$name}, "$at/$name", $known);
        } elsif (ref $more eq 'HASH') {
            $known->{"$at/$name"} = 1;
            push @bad, $self->faults($more, $value->{$name}, "$at/$name", $known);
        } elsif (defined $more && !$more) {
            push @bad, "$at: $name is not allowed";
        }
    }

    return @bad;
}


sub fits {
    my ($self, $schema, $value, $at, $known) = @_;
    my %here;

    return 0 if $self->faults($schema, $value, $at, \%here);
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
    my ($self, $schema, $value) = @_;
    my %known;

    my @bad = $self->faults($schema, $value, '', \%known);
    return @bad ? @bad : unknown($value, '', \%known);
}


# ---- what a test asks with ------------------------------------------------------

# the parameters in an operation's path, their schemas in full
sub path_parameters {
    my ($self, $id) = @_;

    return map { { %$_, schema => $self->deref($_->{schema}) } } grep { $_->{in} eq 'path' }
           map { $self->deref($_) }
               @{ $self->{doc}{paths}{ $self->{operation}{$id}{path} }{parameters} // [] },
               @{ $self->{operation}{$id}{parameters} // [] };
}


# the first example of its body, or undef
sub example {
    my ($self, $id) = @_;

    my $body = $self->{operation}{$id}{requestBody} or return undef;
    my $examples = $body->{content}{'application/json'}{examples};
    my ($first) = sort keys %$examples;
    return $self->deref($examples->{$first})->{value};
}


# ---- the document itself ------------------------------------------------------

sub lint {
    my ($self) = @_;

    my $doc = $self->{doc};
    my %keys = (
        top       => [qw(openapi info servers tags security paths webhooks
                         components)],
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
                my $example = $self->deref($media->{examples}{$name});
                push @bad, map { "$at $type $name: $_" }
                           $self->strict($media->{schema}, $example->{value});
            }
        }
    };
    my $response = sub {
        my ($node, $at) = @_;
        $only->('response', $node, $at);
        push @bad, "$at: no description" unless length($node->{description} // '');
        for my $name (sort keys %{ $node->{headers} // {} }) {
            my $header = $self->deref($node->{headers}{$name}) // next;
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
                push @bad, "$at: $ref points nowhere" unless $self->pointed($ref);
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
            push @bad, map { "$kind $name: $_" } $self->faults($node->{schema}, $node->{example})
                if exists $node->{example};
        }
    }

    my %once;
    my %tag = map { $_->{name} => 1 } @{ $doc->{tags} };

    my %item = (%{ $doc->{paths} }, %{ $doc->{webhooks} // {} });

    for my $path (sort keys %item) {
        my $item = $item{$path};
        $only->('path', $item, $path);

        for my $method (grep { ref $item->{$_} eq 'HASH' } sort keys %$item) {
            my $op = $item->{$method};
            my $at = "$method $path";
            my $id = $op->{operationId} // '';
            my @parameters = map { $self->deref($_) }
                             @{ $item->{parameters} // [] }, @{ $op->{parameters} // [] };

            $only->('operation', $op, $at);
            push @bad, "$at: no summary" unless $op->{summary};
            push @bad, "$at: operationId is missing or used twice" if !$id || $once{$id}++;
            push @bad, "$at: security is not said" unless $op->{security};
            push @bad, map { "$at: tag $_ is not listed" } grep { !$tag{$_} } @{ $op->{tags} };
            push @bad, "$at: its path parameters differ"
                if "@{[ sort map { $_->{name} } grep { $_->{in} eq 'path' } @parameters ]}"
                   ne "@{[ sort $path =~ /\{(\w+)\}/g ]}";
            push @bad, "$at: no success is described"
                unless grep { /^2/ } keys %{ $op->{responses} };
            $content->($op->{requestBody}{content}, "$at request") if $op->{requestBody};

            for my $status (sort keys %{ $op->{responses} }) {
                my $answer = $self->deref($op->{responses}{$status});
                $response->($answer, "$at $status");
                push @bad, $self->problem_faults($answer, $status, "$at $status");
            }
        }
    }

    SMS::Source::none(\@bad, 'no fault in docs/openapi.yaml');
    ok($self->faults($components->{schemas}{Money}, { amount_micro => '1', unit => 'EUR' }),
       'the validator sees what is wrong');
    return;
}


# codes that a problem response names, in words or example, have its status
sub problem_faults {
    my ($self, $answer, $status, $at) = @_;
    my $of = $self->{doc}{components}{schemas}{ProblemCode}{'x-status'};
    my $media = $answer->{content}{'application/problem+json'} // return;
    my @codes = grep { $of->{$_} } $answer->{description} =~ /`([a-z0-9-]+)`/g;

    push @codes, map { $self->deref($_)->{value}{code} } values %{ $media->{examples} };
    return "$at: names no code" unless @codes;
    return map { "$at: $_ has status $of->{$_}" } grep { $of->{$_} ne $status } @codes;
}


# ---- the document and a server --------------------------------------------------

# Holds an answer against an operation; returns its JSON.
sub holds {
    my ($self, $id, $r, $status, $code, $name) = @_;
    my $op = $self->{operation}{$id};
    my $answer = $id eq '' ? $self->deref($self->{doc}{components}{responses}{MethodNotAllowed})
                           : $self->deref($op->{responses}{ $r->status } // {});
    my @bad;

    $name //= "$id $status" . ($code ? " $code" : '');
    $self->{seen}{"$id " . $r->status}++;
    push @bad, 'status ' . $r->status . " instead of $status" if $r->status != $status;
    push @bad, 'this status is not documented' unless $answer->{description};

    my ($type, $more) = split /;\s*/, $r->header('content-type') // '', 2;
    my $media = $answer->{content}{$type};
    push @bad, "content type $type is not documented" unless $media;
    push @bad, 'charset is missing' if $type =~ /json/ && ($more // '') ne 'charset=utf-8';

    my %told = %{ $answer->{headers} // {} };
    for my $header (sort keys %told) {
        my $spec = $self->deref($told{$header});
        my $value = $r->header($header);
        push @bad, "header $header is missing" if $spec->{required} && !defined $value;
        push @bad, map { "header $header$_" } $self->faults($spec->{schema}, "$value")
            if defined $value;
    }
    my %standard = map { $_ => 1 } qw(server date content-type content-length connection
                                      transfer-encoding);
    my %documented = map { lc($_) => 1 } keys %told;
    push @bad, map { "header $_ is not documented" }
               grep { !$standard{$_} && !$documented{$_} } sort keys %{ $r->{headers} };

    my $body = $type =~ /json/ ? $r->json : $r->body;
    push @bad, 'the body is no JSON' unless defined $body;
    push @bad, $self->strict($media->{schema}, $body) if $media && defined $body;

    if ($code && ref $body eq 'HASH') {
        push @bad, "code $body->{code} instead of $code" if ($body->{code} // '') ne $code;
        push @bad, 'status in the body differs' if ($body->{status} // 0) != $r->status;
        push @bad, 'type and code differ' if ($body->{type} // '') !~ /:\Q$body->{code}\E$/;
    }

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok(!@bad, $name) or diag(map({ "  $_\n" } @bad), $r->text);
    return $body;
}


# every documented answer was seen, but for what cannot be had on order
sub covered {
    my ($self, $except) = @_;
    my @missing;

    for my $op ($self->operations) {
        for my $status (sort keys %{ $self->{operation}{$op}{responses} }) {
            next if $self->{seen}{"$op $status"} || $status eq '500' || "$op $status" =~ $except;
            push @missing, "$op $status";
        }
    }

    return SMS::Source::none(\@missing, 'every documented answer was seen');
}

1;
