import Type from 'typebox';

/** A number of things in a status: the API server's own limit of an object bounds it. */
export function count(description: string) {
  return Type.Optional(Type.Integer({ minimum: 0, description }));
}

/** A moment in a status: RFC 3339 in UTC with whole seconds. */
export function time(description: string) {
  return Type.Optional(Type.String({ format: 'date-time', description }));
}
