import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { MachineViews } from '#core/machine-view.ts';
import { pageDirectory } from '#http/page-assets.ts';

const querySchema = Type.Object(
  {
    format: Type.Optional(
      Type.Unsafe<'json' | 'mermaid' | 'svg' | 'studio'>({
        type: 'string',
        enum: ['json', 'mermaid', 'svg', 'studio'],
        description: 'json, mermaid, svg or studio',
      }),
    ),
  },
  { additionalProperties: false },
);

/** As `scripts/render-machines.ts` drew it; read when it is asked for, since hardly anybody does. */
async function readDrawing(id: string): Promise<Buffer> {
  return await readFile(join(pageDirectory, 'machines', `${id}.svg`));
}

/** `GET /debug/machines` and `GET /debug/machines/<id>`: definition as JSON, drawn, and for Stately Studio. */
export async function debugMachines(
  app: FastifyInstance,
  ports: { readonly machines: MachineViews },
): Promise<void> {
  app.get('/debug/machines', async () => {
    const machines = ports.machines.list();
    return { machines, total: machines.length };
  });
  app.get(
    '/debug/machines/:id',
    { schema: { querystring: querySchema } },
    async (request, reply) => {
      const { id } = request.params as { readonly id: string };
      const machine = ports.machines.get(id);
      if (machine === undefined) {
        const names = ports.machines.list().map((one) => one.id);
        return reply.code(404).send({ error: `expected one of ${names.join(', ')}, got ${id}` });
      }
      const { format } = request.query as Static<typeof querySchema>;
      const { studio, ...shown } = machine;
      if (format === 'mermaid')
        return reply.type('text/plain; charset=utf-8').send(machine.diagram);
      if (format === 'studio') return studio;
      if (format === 'svg') return await reply.type('image/svg+xml').send(await readDrawing(id));
      return shown;
    },
  );
}
