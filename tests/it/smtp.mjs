// The mail server the tests send to: Nodemailer's `smtp-server`.
//
//   node smtp.mjs '{"port", "secure", "tls", "cert", "key", "user", "pass"}'
//
// `secure`: TLS from the start, else by STARTTLS; with `tls: false` it offers none. Prints `listening`, then a line a
// mail: `mail {"from", "to", "user", "secure", "head", "text"}`.
import { SMTPServer } from 'smtp-server';

const { port, secure, tls, cert, key, user, pass } = JSON.parse(process.argv[2]);

const server = new SMTPServer({
  secure,
  cert,
  key,
  disabledCommands: tls ? [] : ['STARTTLS'],
  allowInsecureAuth: !tls,
  onAuth(auth, session, done) {
    if (auth.username === user && auth.password === pass) return done(null, { user: auth.username });
    return done(new Error('wrong user or password'));
  },
  onData(stream, session, done) {
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('end', () => {
      const { mailFrom, rcptTo } = session.envelope;
      const [head, ...body] = Buffer.concat(chunks).toString().split('\r\n\r\n');
      const mail = {
        from: mailFrom.address,
        to: rcptTo.map(({ address }) => address),
        user: session.user,
        secure: session.secure,
        head,
        text: decoded(head, body.join('\r\n\r\n')),
      };
      console.log(`mail ${JSON.stringify(mail)}`);
      done();
    });
  },
});
server.on('error', (error) => console.error(error.message));
server.listen(port, '127.0.0.1', () => console.log('listening'));

function decoded(head, body) {
  const encoding = /^content-transfer-encoding: *(\S+)/im.exec(head)?.[1].toLowerCase();
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString();
  if (encoding !== 'quoted-printable') return body;
  const bytes = body
    .replaceAll('=\r\n', '')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}
