/** A browser as far as redirects and cookies go; cookies by host, as a jar per host is all that is needed. */
export function createUserAgent() {
  const jars = new Map<string, Map<string, string>>();

  const jarOf = (url: string) => {
    const { host } = new URL(url);
    const jar = jars.get(host) ?? new Map<string, string>();
    jars.set(host, jar);
    return jar;
  };

  const request = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const jar = jarOf(url);
    const headers = new Headers(init.headers);
    headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '));
    const response = await fetch(url, { redirect: 'manual', ...init, headers });
    for (const cookie of response.headers.getSetCookie()) {
      const [name = '', value = ''] = cookie.split(';', 1)[0]?.split(/=(.*)/s) ?? [];
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(cookie)) jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  };

  return {
    request,
    jarOf,
    /** Follows redirects and returns the last answer. */
    async visit(url: string): Promise<Response> {
      let current = url;
      for (let hops = 0; hops < 20; hops += 1) {
        const response = await request(current);
        const location = response.headers.get('location');
        if (location === null) return response;
        current = new URL(location, current).href;
      }
      throw new Error('redirected in circles');
    },
    /** Follows redirects until one leads to `prefix`, and returns that address without visiting it. */
    async visitUntil(url: string, prefix: string): Promise<string> {
      let current = url;
      for (let hops = 0; hops < 20; hops += 1) {
        const location = (await request(current)).headers.get('location');
        if (location === null) throw new Error(`no redirect leads to ${prefix}`);
        current = new URL(location, current).href;
        if (current.startsWith(prefix)) return current;
      }
      throw new Error('redirected in circles');
    },
  };
}
