// node simplewebauthn.mjs FILE ALGORITHM SECONDS: how many it verified, and the CPU seconds they took.
import { readFileSync } from 'node:fs';

import { verifyAuthenticationResponse } from '@simplewebauthn/server';

const [path, algorithm, seconds] = process.argv.slice(2);
const { rp_id: expectedRPID, origin: expectedOrigin, algorithms } = JSON.parse(readFileSync(path, 'utf8'));
const all = algorithms[algorithm].flatMap(({ id, public_key, assertions }) => {
  const credential = { id, publicKey: new Uint8Array(Buffer.from(public_key, 'base64url')), counter: 0 };
  return assertions.map(({ ceremony, response }) => async () => {
    const { verified } = await verifyAuthenticationResponse({
      response: JSON.parse(response),
      expectedChallenge: ceremony.challenge,
      expectedOrigin,
      expectedRPID,
      credential,
      requireUserVerification: false,
    });
    if (!verified) throw new Error('a good assertion was refused');
  });
});

// The compiler has had its time before it counts.
for (let time = 0; time < 4; time += 1) for (const verify of all) await verify();
let verified = 0;
let took = 0;
const before = process.cpuUsage();
while (took < seconds) {
  for (const verify of all) await verify();
  verified += all.length;
  const { user, system } = process.cpuUsage(before);
  took = (user + system) / 1e6;
}
console.log(`${verified} ${took}`);
