import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { MachineViews } from '#core/machine-view.ts';

const querySchema = Type.Object(
  {
    format: Type.Optional(
      Type.Unsafe<'json' | 'mermaid'>({
        type: 'string',
        enum: ['json', 'mermaid'],
        description: 'json or mermaid',
      }),
    ),
  },
  { additionalProperties: false },
);

/** `GET /debug/machines` and `GET /debug/machines/<id>`: definition as JSON, and drawn. */
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
      if (format === 'mermaid')
        return reply.type('text/plain; charset=utf-8').send(machine.diagram);
      return machine;
    },
  );
}
