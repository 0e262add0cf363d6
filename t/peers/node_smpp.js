#!/usr/bin/env node
// node_smpp.js - npm's "smpp" as an SMSC; see net_smpp for what a peer says.
//
//   NODE_PATH=build/peers/node_modules node t/peers/node_smpp.js SCENARIO PORT
//
// "text" is the message as the library itself decoded it.

'use strict';

const fs = require('fs');
const smpp = require('smpp');

const scenario = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
let number = 1000;

function say(row) {
    fs.writeSync(1, JSON.stringify(row) + '\n');
}

function submitted(session, pdu) {
    const rule = scenario.number[pdu.destination_addr] || {};
    const id = String(++number);
    const body = pdu.short_message;

    say({ event: 'submit', dest: pdu.destination_addr, data_coding: pdu.data_coding,
          esm_class: pdu.esm_class, text: body.message,
          udh: body.udh ? body.udh.map((ie) => ie.toString('hex')) : [] });

    if (rule.status) {
        session.send(pdu.response({ command_status: rule.status }));
        return;
    }

    session.send(pdu.response({ message_id: id }));

    if (!pdu.registered_delivery) {
        return;
    }

    const stat = rule.receipt || 'DELIVRD';
    const err = String(rule.err || 0).padStart(3, '0');

    session.deliver_sm({
        esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT, source_addr_ton: 1, source_addr_npi: 1,
        source_addr: pdu.destination_addr, dest_addr_ton: pdu.source_addr_ton,
        dest_addr_npi: pdu.source_addr_npi, destination_addr: pdu.source_addr,
        short_message: 'id:' + id + ' sub:001 dlvrd:001 submit date:2601011200 ' +
            'done date:2601011201 stat:' + stat + ' err:' + err + ' text:'
    }, (answer) => say({ event: 'receipt_answer', status: answer.command_status }));
}

const server = smpp.createServer((session) => {
    session.on('error', () => session.destroy());

    session.on('bind_transceiver', (pdu) => {
        const good = pdu.system_id === scenario.system_id
                     && pdu.password === scenario.password;
        const status = good ? smpp.ESME_ROK : smpp.ESME_RINVPASWD;

        say({ event: 'bind', status: status });
        session.send(pdu.response({ command_status: status, system_id: 'node-smpp' }));

        if (!good) {
            session.close();
            return;
        }

        for (const message of scenario.inbound) {
            session.deliver_sm({
                source_addr_ton: 1, source_addr_npi: 1, source_addr: message.from,
                dest_addr_ton: 0, dest_addr_npi: 1, destination_addr: message.to,
                short_message: message.text
            }, (answer) => say({ event: 'inbound_answer', status: answer.command_status }));
        }

        session.enquire_link({}, () => say({ event: 'enquire_answer' }));
    });

    session.on('submit_sm', (pdu) => submitted(session, pdu));

    session.on('enquire_link', (pdu) => {
        say({ event: 'enquire' });
        session.send(pdu.response());
    });

    session.on('unbind', (pdu) => {
        say({ event: 'unbind' });
        session.send(pdu.response());
        session.close();
    });
});

server.listen(Number(process.argv[3]), '127.0.0.1', () => say({ event: 'listening' }));
